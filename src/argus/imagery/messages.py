"""What imagery says to users."""

from argus.core.languages import Entry, Messages, Text

MESSAGES: Messages = {
    "never_uploaded": Entry(
        Text(
            en="Never uploaded",
            fr="Jamais téléversé",
            es="Nunca subido",
        ),
        Text(
            en="The file was not uploaded in time. Upload it again.",
            fr="Le fichier n’a pas été téléversé à temps. Téléversez-le de nouveau.",
            es="El archivo no se subió a tiempo. Súbalo de nuevo.",
        ),
    ),
}
