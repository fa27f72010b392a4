"""Messages of toys for users."""

from argus.core.languages import Entry, Messages, Text

MESSAGES: Messages = {
    "no_such_toy": Entry(
        Text(en="Toy not found", fr="Jouet introuvable", es="Juguete no encontrado"),
        Text(
            en="No toy has the id {toy_id}.",
            fr="Aucun jouet n’a l’id {toy_id}.",
            es="Ningún juguete tiene el id {toy_id}.",
        ),
    ),
    "not_toy_id": Entry(
        Text(en="Not a toy id", fr="Pas un id de jouet", es="No es un id de juguete"),
        Text(en="{text} is not a toy id.", fr="{text} n’est pas un id de jouet.", es="{text} no es un id de juguete."),
    ),
}
