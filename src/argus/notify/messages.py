"""Messages of notify for users."""

from argus.core.languages import Entry, Messages, Text

MESSAGES: Messages = {
    "foreign_origin": Entry(
        Text(
            en="Origin not allowed",
            fr="Origine non autorisée",
            es="Origen no permitido",
        ),
        Text(
            en="Pages of {origin} are not allowed to connect.",
            fr="Les pages de {origin} ne sont pas autorisées à se connecter.",
            es="Las páginas de {origin} no están autorizadas a conectarse.",
        ),
    ),
    "notifications_not_allowed": Entry(
        Text(
            en="Missing scope",
            fr="Portée manquante",
            es="Falta un ámbito",
        ),
        Text(
            en="Notifications require one of these scopes: {scopes}.",
            fr="Les notifications exigent l’une de ces portées : {scopes}.",
            es="Las notificaciones requieren uno de estos ámbitos: {scopes}.",
        ),
    ),
    "no_socket_token": Entry(
        Text(
            en="Not authenticated",
            fr="Non authentifié",
            es="No autenticado",
        ),
        Text(
            en="Send one token: offer the subprotocol bearer.<token>, or send Authorization: Bearer <token>.",
            fr="Envoyez un seul jeton : proposez le sous-protocole bearer.<jeton>, ou envoyez Authorization: Bearer "
            "<jeton>.",
            es="Envíe un solo token: ofrezca el subprotocolo bearer.<token> o envíe Authorization: Bearer <token>.",
        ),
    ),
    "too_many_connections": Entry(
        Text(
            en="Too many connections",
            fr="Trop de connexions",
            es="Demasiadas conexiones",
        ),
        details={
            "of_organisation": Text(
                en="Your organisation has {connections} open connections, which is the maximum. Try again in a minute.",
                fr="Votre organisation a {connections} connexions ouvertes, le maximum. Réessayez dans une minute.",
                es="Su organización tiene {connections} conexiones abiertas, el máximo. Inténtelo en un minuto.",
            ),
            "of_user": Text(
                en="You have {connections} open connections. Close one first.",
                fr="Vous avez {connections} connexions ouvertes. Fermez-en une d’abord.",
                es="Usted tiene {connections} conexiones abiertas. Cierre una primero.",
            ),
        },
    ),
    "unknown_protocol": Entry(
        Text(
            en="Unknown subprotocol",
            fr="Sous-protocole inconnu",
            es="Subprotocolo desconocido",
        ),
        Text(
            en="Offer the subprotocol {protocol}.",
            fr="Proposez le sous-protocole {protocol}.",
            es="Ofrezca el subprotocolo {protocol}.",
        ),
    ),
}
