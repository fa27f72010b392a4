"""Messages of core for users."""

from argus.core.languages import Entry, Messages, Text

_UNAVAILABLE = Text(
    en="Service unavailable",
    fr="Service indisponible",
    es="Servicio no disponible",
)
_NOT_RESPONDING = Text(
    en="A service that Argus depends on does not respond. Try again shortly.",
    fr="Un service dont Argus dépend ne répond pas. Réessayez dans un instant.",
    es="Un servicio del que depende Argus no responde. Inténtelo de nuevo en breve.",
)

MESSAGES: Messages = {
    "bad_cursor": Entry(
        Text(
            en="Invalid cursor",
            fr="Curseur invalide",
            es="Cursor no válido",
        ),
        details={
            "malformed": Text(
                en="The cursor is malformed. Send next_cursor as you received it, or start without a cursor.",
                fr="Le curseur est mal formé. Renvoyez next_cursor tel que reçu, ou commencez sans curseur.",
                es="El cursor está mal formado. Envíe next_cursor tal como lo recibió o empiece sin cursor.",
            ),
            "foreign": Text(
                en="The cursor belongs to another list or was altered. Start again without a cursor.",
                fr="Le curseur appartient à une autre liste ou a été modifié. Recommencez sans curseur.",
                es="El cursor pertenece a otra lista o fue modificado. Empiece de nuevo sin cursor.",
            ),
        },
    ),
    "bad_request": Entry(
        Text(
            en="Bad request",
            fr="Requête incorrecte",
            es="Solicitud incorrecta",
        ),
    ),
    "conflict": Entry(
        Text(
            en="Conflict",
            fr="Conflit",
            es="Conflicto",
        ),
    ),
    "contended": Entry(
        Text(
            en="Resource is being changed",
            fr="Ressource en cours de modification",
            es="Recurso en curso de modificación",
        ),
        Text(
            en="Others keep changing this resource, so the request was not completed. Try again shortly.",
            fr="D’autres modifient sans cesse cette ressource ; la requête n’a pas été menée à bien. Réessayez dans un "
            "instant.",
            es="Otros modifican sin cesar este recurso, por lo que la solicitud no se ha completado. Inténtelo de "
            "nuevo en breve.",
        ),
    ),
    "credentials_expired": Entry(
        Text(
            en="Links are temporarily unavailable",
            fr="Les liens sont temporairement indisponibles",
            es="Los enlaces no están disponibles por ahora",
        ),
        Text(
            en="Links cannot be signed at the moment. Try again shortly.",
            fr="Les liens ne peuvent pas être signés pour l’instant. Réessayez dans un instant.",
            es="Por ahora no se pueden firmar enlaces. Inténtelo de nuevo en breve.",
        ),
    ),
    "forbidden": Entry(
        Text(
            en="Forbidden",
            fr="Accès interdit",
            es="Acceso prohibido",
        ),
    ),
    "internal_server_error": Entry(
        Text(
            en="Internal error",
            fr="Erreur interne",
            es="Error interno",
        ),
        Text(
            en="An unexpected error occurred. Report the request_id to the operators.",
            fr="Une erreur inattendue s’est produite. Communiquez le request_id aux opérateurs.",
            es="Se produjo un error inesperado. Comunique el request_id a los operadores.",
        ),
    ),
    "invalid": Entry(
        Text(
            en="Invalid request",
            fr="Requête invalide",
            es="Solicitud no válida",
        ),
    ),
    "key_reused": Entry(
        Text(
            en="Idempotency-Key already used",
            fr="Idempotency-Key déjà utilisée",
            es="Idempotency-Key ya utilizada",
        ),
        Text(
            en="Another request used the Idempotency-Key {key}. Use a new key for each request.",
            fr="Une autre requête a utilisé l’Idempotency-Key {key}. Utilisez une nouvelle clé pour chaque requête.",
            es="Otra solicitud usó la Idempotency-Key {key}. Use una clave nueva para cada solicitud.",
        ),
    ),
    "malformed_request": Entry(
        Text(
            en="Malformed request",
            fr="Requête mal formée",
            es="Solicitud mal formada",
        ),
        details={
            "address": Text(
                en="The URL contains invalid characters (NUL).",
                fr="L’URL contient des caractères invalides (NUL).",
                es="La URL contiene caracteres no válidos (NUL).",
            ),
            "body": Text(
                en="The body contains invalid characters (NUL).",
                fr="Le corps contient des caractères invalides (NUL).",
                es="El cuerpo contiene caracteres no válidos (NUL).",
            ),
            "idempotency_key": Text(
                en="Send one Idempotency-Key, of 1 to 255 ASCII characters without spaces and commas.",
                fr="Envoyez une seule Idempotency-Key, de 1 à 255 caractères ASCII, sans espace ni virgule.",
                es="Envíe una sola Idempotency-Key, de 1 a 255 caracteres ASCII, sin espacios ni comas.",
            ),
            "json": Text(
                en="The body is not valid JSON (RFC 8259).",
                fr="Le corps n’est pas du JSON valide (RFC 8259).",
                es="El cuerpo no es JSON válido (RFC 8259).",
            ),
            "json_at": Text(
                en="The body is not valid JSON (RFC 8259): see line {line}, column {column}.",
                fr="Le corps n’est pas du JSON valide (RFC 8259) : voyez la ligne {line}, colonne {column}.",
                es="El cuerpo no es JSON válido (RFC 8259): vea la línea {line}, columna {column}.",
            ),
            "repeated_name": Text(
                en="The body is ambiguous: an object has two members of the same name.",
                fr="Le corps est ambigu : un objet a deux membres du même nom.",
                es="El cuerpo es ambiguo: un objeto tiene dos miembros con el mismo nombre.",
            ),
        },
    ),
    "method_not_allowed": Entry(
        Text(
            en="Method not allowed",
            fr="Méthode non autorisée",
            es="Método no permitido",
        ),
        Text(
            en="This URL does not support the method. The Allow header lists those that it supports.",
            fr="Cette URL n’accepte pas cette méthode. L’en-tête Allow énumère celles qu’elle accepte.",
            es="Esta URL no admite el método. La cabecera Allow enumera los que admite.",
        ),
    ),
    "missing_scope": Entry(
        Text(
            en="Missing scope",
            fr="Portée manquante",
            es="Falta un ámbito",
        ),
        Text(
            en="This request requires the scope {scope}, which your role or API key does not have.",
            fr="Cette requête exige la portée {scope}, que votre rôle ou votre clé d’API n’a pas.",
            es="Esta solicitud requiere el ámbito {scope}, que su rol o su clave de API no tiene.",
        ),
    ),
    "no_such_object": Entry(
        Text(
            en="Stored file not found",
            fr="Fichier stocké introuvable",
            es="Archivo almacenado no encontrado",
        ),
        Text(
            en="A file that Argus stored is missing. Report this to the operators.",
            fr="Un fichier stocké par Argus est introuvable. Signalez-le aux opérateurs.",
            es="No se encuentra un archivo almacenado por Argus. Informe de ello a los operadores.",
        ),
    ),
    "not_deleted": Entry(
        Text(
            en="Some files could not be deleted",
            fr="Certains fichiers n’ont pas pu être supprimés",
            es="No se pudieron eliminar algunos archivos",
        ),
        Text(
            en="Some files are still stored. Argus will try again in a few minutes.",
            fr="Certains fichiers sont encore stockés. Argus réessaiera dans quelques minutes.",
            es="Algunos archivos siguen almacenados. Argus lo intentará de nuevo en unos minutos.",
        ),
    ),
    "not_found": Entry(
        Text(
            en="Not found",
            fr="Introuvable",
            es="No encontrado",
        ),
        Text(
            en="No resource exists at this URL. Check the path.",
            fr="Aucune ressource n’existe à cette URL. Vérifiez le chemin.",
            es="No existe ningún recurso en esta URL. Compruebe la ruta.",
        ),
    ),
    "object_too_large": Entry(
        Text(
            en="File too large",
            fr="Fichier trop volumineux",
            es="Archivo demasiado grande",
        ),
        Text(
            en="The file has {size_bytes} bytes; at most {max_bytes} are accepted.",
            fr="Le fichier compte {size_bytes} octets ; le maximum est de {max_bytes}.",
            es="El archivo tiene {size_bytes} bytes; se aceptan como máximo {max_bytes}.",
        ),
    ),
    "overloaded": Entry(_UNAVAILABLE, _NOT_RESPONDING),
    "precondition_failed": Entry(
        Text(
            en="The resource has changed",
            fr="La ressource a changé",
            es="El recurso ha cambiado",
        ),
        Text(
            en="The resource is now at version {version}. Read it again before you change it.",
            fr="La ressource est maintenant à la version {version}. Relisez-la avant de la modifier.",
            es="El recurso está ahora en la versión {version}. Léalo de nuevo antes de modificarlo.",
        ),
    ),
    "processing_failed": Entry(
        Text(
            en="Processing failed",
            fr="Échec du traitement",
            es="Error de procesamiento",
        ),
        details={
            "never_started": Text(
                en="Processing could not start; the operators have been alerted.",
                fr="Le traitement n’a pas pu commencer ; les opérateurs ont été alertés.",
                es="El procesamiento no pudo comenzar; se ha alertado a los operadores.",
            ),
            "once": Text(
                en="Processing failed after 1 attempt; the operators have been alerted.",
                fr="Le traitement a échoué après 1 tentative ; les opérateurs ont été alertés.",
                es="El procesamiento falló tras 1 intento; se ha alertado a los operadores.",
            ),
            "attempts": Text(
                en="Processing failed after {attempts} attempts; the operators have been alerted.",
                fr="Le traitement a échoué après {attempts} tentatives ; les opérateurs ont été alertés.",
                es="El procesamiento falló tras {attempts} intentos; se ha alertado a los operadores.",
            ),
        },
    ),
    "request_entity_too_large": Entry(
        Text(
            en="Request too large",
            fr="Requête trop volumineuse",
            es="Solicitud demasiado grande",
        ),
        Text(
            en="The body is larger than 1 MiB. Send less data in one request.",
            fr="Le corps dépasse 1 Mio. Envoyez moins de données par requête.",
            es="El cuerpo supera 1 MiB. Envíe menos datos en una solicitud.",
        ),
    ),
    "secret_unavailable": Entry(_UNAVAILABLE, _NOT_RESPONDING),
    "still_running": Entry(
        Text(
            en="Request still running",
            fr="Requête encore en cours",
            es="Solicitud todavía en curso",
        ),
        Text(
            en="The first request with the Idempotency-Key {key} is still running. Try again shortly.",
            fr="La première requête avec l’Idempotency-Key {key} est encore en cours. Réessayez dans un instant.",
            es="La primera solicitud con la Idempotency-Key {key} todavía está en curso. Inténtelo de nuevo en breve.",
        ),
    ),
    "too_large": Entry(
        Text(
            en="Request too large",
            fr="Requête trop volumineuse",
            es="Solicitud demasiado grande",
        ),
    ),
    "too_many_requests": Entry(
        Text(
            en="Too many requests",
            fr="Trop de requêtes",
            es="Demasiadas solicitudes",
        ),
        Text(
            en="The limit “{policy}” is {requests} requests in {seconds} s. Try again after the number of seconds in "
            "Retry-After.",
            fr="La limite « {policy} » est de {requests} requêtes en {seconds} s. Réessayez après le nombre de "
            "secondes indiqué dans Retry-After.",
            es="El límite «{policy}» es de {requests} solicitudes en {seconds} s. Inténtelo de nuevo cuando pasen los "
            "segundos que indica Retry-After.",
        ),
    ),
    "transaction_conflict": Entry(_UNAVAILABLE, _NOT_RESPONDING),
    "unauthenticated": Entry(
        Text(
            en="Not authenticated",
            fr="Non authentifié",
            es="No autenticado",
        ),
        details={
            "both": Text(
                en="Send either Authorization or X-API-Key, not both.",
                fr="Envoyez soit Authorization, soit X-API-Key, mais pas les deux.",
                es="Envíe la cabecera Authorization o X-API-Key, pero no ambas.",
            ),
            "missing": Text(
                en="Send a bearer token in Authorization, or an API key in X-API-Key.",
                fr="Envoyez un jeton Bearer dans Authorization, ou une clé d’API dans X-API-Key.",
                es="Envíe un token Bearer en Authorization o una clave de API en X-API-Key.",
            ),
            "repeated": Text(
                en="Send the header Authorization once, with one bearer token.",
                fr="Envoyez l’en-tête Authorization une seule fois, avec un seul jeton Bearer.",
                es="Envíe la cabecera Authorization una sola vez, con un solo token Bearer.",
            ),
        },
    ),
    "unavailable": Entry(_UNAVAILABLE, _NOT_RESPONDING),
    "unprocessable_entity": Entry(
        Text(
            en="Invalid fields",
            fr="Champs invalides",
            es="Campos no válidos",
        ),
        Text(
            en="Some fields are invalid. See “errors” for details.",
            fr="Certains champs sont invalides. Consultez « errors » pour plus de détails.",
            es="Algunos campos no son válidos. Consulte «errors» para más detalles.",
        ),
    ),
    "unsupported_charset": Entry(
        Text(
            en="Unsupported charset",
            fr="Jeu de caractères non pris en charge",
            es="Juego de caracteres no admitido",
        ),
        Text(
            en="The body is declared in the charset {charset}, but JSON is UTF-8 (RFC 8259). Encode it in UTF-8.",
            fr="Le corps est déclaré dans le jeu de caractères {charset}, mais le JSON est en UTF-8 (RFC 8259). "
            "Encodez-le en UTF-8.",
            es="El cuerpo se declara en el juego de caracteres {charset}, pero JSON es UTF-8 (RFC 8259). Codifíquelo "
            "en UTF-8.",
        ),
    ),
    "unsupported_content_encoding": Entry(
        Text(
            en="Unsupported content encoding",
            fr="Encodage de contenu non pris en charge",
            es="Codificación de contenido no admitida",
        ),
        Text(
            en="The body has the Content-Encoding {codings}. Send it without compression and without this header.",
            fr="Le corps a le Content-Encoding {codings}. Envoyez-le sans compression et sans cet en-tête.",
            es="El cuerpo tiene el Content-Encoding {codings}. Envíelo sin compresión y sin esta cabecera.",
        ),
    ),
    "unsupported_media_type": Entry(
        Text(
            en="Unsupported media type",
            fr="Type de contenu non pris en charge",
            es="Tipo de contenido no admitido",
        ),
        Text(
            en="Send a JSON body with the header Content-Type: application/json.",
            fr="Envoyez un corps JSON avec l’en-tête Content-Type: application/json.",
            es="Envíe un cuerpo JSON con la cabecera Content-Type: application/json.",
        ),
    ),
}

# Sentences about fields. marshmallow, webargs and our code write them in English, as in `en`; `core.http.problems`
# translates them. A capability has those of its own schemas in its `messages`.
FIELD_ERRORS: tuple[Text, ...] = (
    Text(
        en="Missing data for required field.",
        fr="Ce champ est obligatoire.",
        es="Este campo es obligatorio.",
    ),
    Text(
        en="Field may not be null.",
        fr="Ce champ ne peut pas être null.",
        es="Este campo no puede ser null.",
    ),
    Text(
        en="Unknown field.",
        fr="Champ inconnu.",
        es="Campo desconocido.",
    ),
    Text(
        en="Given more than once.",
        fr="Indiqué plus d’une fois.",
        es="Indicado más de una vez.",
    ),
    Text(
        en="Invalid value.",
        fr="Valeur invalide.",
        es="Valor no válido.",
    ),
    Text(
        en="Invalid type.",
        fr="Type invalide.",
        es="Tipo no válido.",
    ),
    Text(
        en="Invalid input type.",
        fr="Type de données invalide.",
        es="Tipo de datos no válido.",
    ),
    Text(
        en="Not a valid string.",
        fr="La valeur doit être du texte.",
        es="El valor debe ser texto.",
    ),
    Text(
        en="Not a valid utf-8 string.",
        fr="Texte UTF-8 invalide.",
        es="Texto UTF-8 no válido.",
    ),
    Text(
        en="Not a valid number.",
        fr="La valeur doit être un nombre.",
        es="El valor debe ser un número.",
    ),
    Text(
        en="Not a valid boolean.",
        fr="La valeur doit être true ou false.",
        es="El valor debe ser true o false.",
    ),
    Text(
        en="Not a valid integer.",
        fr="La valeur doit être un nombre entier.",
        es="El valor debe ser un número entero.",
    ),
    Text(
        en="Number too large.",
        fr="Nombre trop grand.",
        es="Número demasiado grande.",
    ),
    Text(
        en="Special numeric values (nan or infinity) are not permitted.",
        fr="Les valeurs nan et infinity ne sont pas autorisées.",
        es="Los valores nan e infinity no están permitidos.",
    ),
    Text(
        en="Not a valid list.",
        fr="La valeur doit être une liste.",
        es="El valor debe ser una lista.",
    ),
    Text(
        en="Not a valid delimited list.",
        fr="La valeur doit être une liste.",
        es="El valor debe ser una lista.",
    ),
    Text(
        en="Not a valid mapping type.",
        fr="La valeur doit être un objet JSON.",
        es="El valor debe ser un objeto JSON.",
    ),
    Text(
        en="Must be one of: {choices}.",
        fr="Valeurs possibles : {choices}.",
        es="Valores posibles: {choices}.",
    ),
    Text(
        en="Must be greater than or equal to {min} and less than or equal to {max}.",
        fr="La valeur doit être comprise entre {min} et {max}.",
        es="El valor debe estar entre {min} y {max}.",
    ),
    Text(
        en="Length must be between {min} and {max}.",
        fr="La longueur doit être comprise entre {min} et {max}.",
        es="La longitud debe estar entre {min} y {max}.",
    ),
    Text(
        en="Longer than maximum length {max}.",
        fr="La longueur dépasse le maximum de {max}.",
        es="La longitud supera el máximo de {max}.",
    ),
    Text(
        en="More than {max} values.",
        fr="Plus de {max} valeurs.",
        es="Más de {max} valores.",
    ),
    Text(
        en="String does not match expected pattern.",
        fr="Le texte ne correspond pas au format attendu.",
        es="El texto no tiene el formato esperado.",
    ),
    Text(
        en="Must be one line with a visible character, without control characters, direction marks or invisible ones.",
        fr="Le texte doit tenir sur une ligne et montrer au moins un caractère, sans caractères de contrôle, marques "
        "de direction ni caractères invisibles.",
        es="El texto debe ocupar una línea y mostrar al menos un carácter, sin caracteres de control, marcas de "
        "dirección ni caracteres invisibles.",
    ),
)
