"""Shell completion of the verbs, their flags, and Hydra's overrides."""

import shlex
from collections.abc import Mapping, Sequence

SCRIPTS = {
    "bash": """\
_vqa() {
    local IFS=$'\\n'
    COMPREPLY=($(vqa complete "${COMP_LINE:0:COMP_POINT}" 2>/dev/null))
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=./] ]] && compopt -o nospace
}
COMP_WORDBREAKS=${COMP_WORDBREAKS//=}
complete -o default -F _vqa vqa
""",
    "zsh": """\
_vqa() {
    local -a found
    found=("${(@f)$(vqa complete "${LBUFFER}" 2>/dev/null)}")
    compadd -S '' -a found
}
compdef _vqa vqa
""",
}


def main(shell: str) -> int:
    """Print the completion script of a shell: `eval "$(vqa completion bash)"`."""
    print(SCRIPTS[shell], end="")
    return 0


def complete(line: str, flags: Mapping[str, Sequence[str]]) -> int:
    """Print what may stand at the end of a command line, one word per line."""
    print("\n".join(candidates(line, flags)))
    return 0


def candidates(line: str, flags: Mapping[str, Sequence[str]]) -> list[str]:
    """List the words that may stand at the end of a command line that begins with `vqa`.

    Args:
        line: The command line so far.
        flags: Every verb with its flags; without flags it takes Hydra overrides.
    """
    words = _split(line)[1:]
    begun = words[-1] if words and not line.endswith(" ") else ""
    done = words[: len(words) - bool(begun)]
    if not done:
        return [verb for verb in flags if verb.startswith(begun)]
    if done[0] in flags and not flags[done[0]]:
        return _overrides(done[0], [*done[1:], begun])
    known = flags.get(done[0], ())
    return [flag for flag in known if begun.startswith("-") and flag.startswith(begun)]


def _overrides(verb: str, words: Sequence[str]) -> list[str]:
    """Hydra's own completion of the overrides of a verb."""
    from hydra._internal.hydra import Hydra
    from hydra._internal.utils import create_config_search_path
    from hydra.core.global_hydra import GlobalHydra
    from hydra.plugins.completion_plugin import DefaultCompletionPlugin

    from vqa.commands.configuration import conf_folder, register_resolvers

    register_resolvers()
    path = create_config_search_path(str(conf_folder()))
    hydra = Hydra.create_main_hydra2("vqa", path)
    try:
        plugin = DefaultCompletionPlugin(hydra.config_loader)
        return plugin._query(verb, " ".join(words))
    finally:
        GlobalHydra.instance().clear()


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:  # an open quote
        return line.split()
