"""From text to syntax tree, and mistakes of form in words.

`lexer.py`, with `lexemes.py` (insides of tokens), `line_structure.py` (line ends and brackets) and `tokens.py`;
`parser.py`, over `driver.py` (runs the tables) and `parse_table.py` (makes them); `ast.py`, made by `actions.py` and
`expression_actions.py`, printed by `dump.py`. Of a mistake, `mistake.py` is a token with its surroundings,
`explain.py` asks for its explanation, `words.py` has tokens in words, `reporter.py` collects. `habits.py` and
`habits_words.py`, `habits_items.py`, `habits_declarations.py`, `habits_steps.py`, `habits_flow.py`,
`habits_values.py`, `habits_choices.py` recognise what other languages write, `foreign.py` lists layers and functions
of other frameworks.
"""
