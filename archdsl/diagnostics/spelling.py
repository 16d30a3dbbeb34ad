"""Whether one word is another with a single slip of the keyboard."""


def is_slip(name: str, other: str) -> bool:
    """Whether one letter is missing, too many or another, or two neighbours are exchanged; a digit is never a slip."""
    if abs(len(name) - len(other)) > 1 or name == other:
        return False
    start = 0
    while name[start : start + 1] == other[start : start + 1]:
        start += 1
    here, there = name[start:], other[start:]
    if here[:2] == there[:2][::-1] and here[2:] == there[2:]:
        return not here[:2].isdigit()
    changed = here[:1] if len(here) > len(there) else there[:1] if len(there) > len(here) else here[:1] + there[:1]
    if any(character.isdigit() for character in changed):
        return False
    return here[len(here) >= len(there) :] == there[len(there) >= len(here) :]
