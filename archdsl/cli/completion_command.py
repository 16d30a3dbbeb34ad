"""`archdsl completion`: scripts that let a shell complete command lines.

Each script hands the words of the line to `archdsl __complete` and offers what that prints, so that it need not be made
anew when a command gets an option.
"""

import sys

from archdsl.cli import exits
from archdsl.cli import options as opts

_EXAMPLES = """to have it in every new shell:
  bash   echo 'eval "$(archdsl completion bash)"' >> ~/.bashrc
  zsh    echo 'eval "$(archdsl completion zsh)"' >> ~/.zshrc      (after compinit)
  fish   archdsl completion fish > ~/.config/fish/completions/archdsl.fish
"""

# Bash cuts words at = and : too, and replaces only the piece after the last of these. The words are put together again
# from the line, and what bash will keep is taken off the candidates.
_BASH = r"""# bash completion for archdsl
_archdsl() {
    local IFS=$' \t\n' line=${COMP_LINE:0:COMP_POINT} words cur kept='' candidate
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    cur=${words[${#words[@]}-1]}
    local sign
    for sign in = :; do
        [[ $COMP_WORDBREAKS == *$sign* && ${cur##*[=:]} != "$cur" ]] && kept=${cur%"${cur##*[=:]}"}
    done
    COMPREPLY=()
    while IFS= read -r candidate; do
        candidate=${candidate#"$kept"}
        [[ $candidate == *[^[:alnum:]_./,=:+@%-]* ]] && candidate=$(printf '%q' "$candidate")
        COMPREPLY+=("$candidate")
    done < <("${words[0]}" __complete "${words[@]:1}" 2>/dev/null)
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[/=:] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -F _archdsl archdsl
"""

_ZSH = r"""#compdef archdsl
_archdsl() {
    local -a found open
    local each
    for each in "${(@f)$(${words[1]} __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
        [[ -z $each ]] && continue
        if [[ $each == *[/=:] ]]; then open+=("$each"); else found+=("$each"); fi
    done
    (( $#open )) && compadd -S '' -- "${open[@]}"
    (( $#found )) && compadd -- "${found[@]}"
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _archdsl "$@"; else compdef _archdsl archdsl; fi
"""

_FISH = r"""# fish completion for archdsl
function __archdsl_complete
    set -l words (commandline -opc)
    $words[1] __complete $words[2..-1] (commandline -ct) 2>/dev/null
end
complete -c archdsl -f -a '(__archdsl_complete)'
"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def main(arguments: list[str]) -> int:
    p = opts.parser("completion", "Print a script that completes command lines of archdsl in a shell.", _EXAMPLES)
    p.add_argument("shell", choices=tuple(SCRIPTS), help="the shell that reads the script")
    sys.stdout.write(SCRIPTS[p.parse_args(arguments).shell])
    return exits.FINE
