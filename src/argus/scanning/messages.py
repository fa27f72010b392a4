"""What scanning says to users."""

from argus.core.languages import Entry, Messages, Text

MESSAGES: Messages = {
    "plugin_failed": Entry(
        Text(
            en="Plugin failed",
            fr="Échec du plugin",
            es="Error del plugin",
        ),
        Text(
            en="The plugin stopped with an internal error ({exception}).",
            fr="Le plugin s’est arrêté sur une erreur interne ({exception}).",
            es="El plugin se detuvo por un error interno ({exception}).",
        ),
    ),
    "steps_failed": Entry(
        Text(
            en="Some plugins did not finish",
            fr="Certains plugins n’ont pas abouti",
            es="Algunos plugins no terminaron",
        ),
        Text(
            en="These plugins did not finish: {plugins}. The steps say why.",
            fr="Ces plugins n’ont pas abouti : {plugins}. Les étapes indiquent pourquoi.",
            es="Estos plugins no terminaron: {plugins}. Los pasos indican por qué.",
        ),
    ),
}
