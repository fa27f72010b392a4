"""Messages of identity for users."""

from argus.core.languages import Entry, Messages, Text

MESSAGES: Messages = {
    "already_member": Entry(
        Text(
            en="Already a member",
            fr="Déjà membre",
            es="Ya es miembro",
        ),
        Text(
            en="The user {subject} already belongs to an organisation.",
            fr="L’utilisateur {subject} appartient déjà à une organisation.",
            es="El usuario {subject} ya pertenece a una organización.",
        ),
    ),
    "invalid_key": Entry(
        Text(
            en="Invalid API key",
            fr="Clé d’API invalide",
            es="Clave de API no válida",
        ),
        details={
            "unknown": Text(
                en="The API key is mistyped, unknown or revoked. Check it, or create a new one.",
                fr="La clé d’API est mal saisie, inconnue ou révoquée. Vérifiez-la ou créez-en une autre.",
                es="La clave de API está mal escrita, es desconocida o fue revocada. Compruébela o cree otra.",
            ),
            "expired": Text(
                en="The API key has expired. Create a new one.",
                fr="La clé d’API a expiré. Créez-en une autre.",
                es="La clave de API ha caducado. Cree otra.",
            ),
        },
    ),
    "invalid_token": Entry(
        Text(
            en="Invalid token",
            fr="Jeton invalide",
            es="Token no válido",
        ),
        details={
            "algorithm": Text(
                en="The token is not signed with RS256. Sign in again.",
                fr="Le jeton n’est pas signé avec RS256. Reconnectez-vous.",
                es="El token no está firmado con RS256. Inicie sesión de nuevo.",
            ),
            "audience": Text(
                en="The token was issued for another service. Sign in to Argus.",
                fr="Le jeton a été délivré pour un autre service. Connectez-vous à Argus.",
                es="El token se emitió para otro servicio. Inicie sesión en Argus.",
            ),
            "client": Text(
                en="The token was issued to another client. Sign in with a client that Argus accepts.",
                fr="Le jeton a été délivré à un autre client. Connectez-vous avec un client qu’Argus accepte.",
                es="El token se emitió para otro cliente. Inicie sesión con un cliente que Argus acepte.",
            ),
            "expired": Text(
                en="The token has expired. Sign in again.",
                fr="Le jeton a expiré. Reconnectez-vous.",
                es="El token ha caducado. Inicie sesión de nuevo.",
            ),
            "issuer": Text(
                en="The token’s issuer is not trusted. GET /api/v1/sign-in lists trusted issuers.",
                fr="L’émetteur du jeton n’est pas approuvé. GET /api/v1/sign-in énumère les émetteurs approuvés.",
                es="El emisor del token no es de confianza. GET /api/v1/sign-in enumera los emisores de confianza.",
            ),
            "malformed": Text(
                en="The token is malformed, or its signature is invalid. Sign in again.",
                fr="Le jeton est mal formé, ou sa signature est invalide. Reconnectez-vous.",
                es="El token está mal formado o su firma no es válida. Inicie sesión de nuevo.",
            ),
            "not_yet": Text(
                en="The token is not valid yet (iat or nbf). Check the clock of its issuer, or try again later.",
                fr="Le jeton n’est pas encore valide (iat ou nbf). Vérifiez l’horloge de son émetteur, ou réessayez "
                "plus tard.",
                es="El token aún no es válido (iat o nbf). Compruebe el reloj de su emisor o inténtelo más tarde.",
            ),
            "signing_key": Text(
                en="The token is not signed with a key of its issuer. Sign in again.",
                fr="Le jeton n’est pas signé avec une clé de son émetteur. Reconnectez-vous.",
                es="El token no está firmado con una clave de su emisor. Inicie sesión de nuevo.",
            ),
            "subject": Text(
                en="The token contains no valid subject. Sign in again.",
                fr="Le jeton ne contient pas de sujet valide. Reconnectez-vous.",
                es="El token no contiene un sujeto válido. Inicie sesión de nuevo.",
            ),
            "token_id": Text(
                en="The token has no id (jti). Sign in again.",
                fr="Le jeton n’a pas d’identifiant (jti). Reconnectez-vous.",
                es="El token no tiene identificador (jti). Inicie sesión de nuevo.",
            ),
            "too_long": Text(
                en="The token is longer than 8 KiB. Sign in again, or use a shorter token.",
                fr="Le jeton dépasse 8 Kio. Reconnectez-vous ou utilisez un jeton plus court.",
                es="El token supera los 8 KiB. Inicie sesión de nuevo o use un token más corto.",
            ),
            "type": Text(
                en="The token has the wrong type. Send an access token, whose header has the typ “{token_type}”.",
                fr="Le jeton est du mauvais type. Envoyez un jeton d’accès, dont l’en-tête a le typ « {token_type} ».",
                es="El token no es del tipo correcto: envíe un token de acceso, con typ «{token_type}» en su cabecera.",
            ),
            "use": Text(
                en="The token has the wrong type. Send a token whose token_use is “{token_use}”.",
                fr="Le jeton est du mauvais type. Envoyez un jeton dont token_use est « {token_use} ».",
                es="El token no es del tipo correcto. Envíe un token cuyo token_use sea «{token_use}».",
            ),
        },
    ),
    "keys_being_changed": Entry(
        Text(
            en="API keys are being changed",
            fr="Clés d’API en cours de modification",
            es="Claves de API en curso de modificación",
        ),
        Text(
            en="Other requests are changing API keys of this organisation. Try again shortly.",
            fr="D’autres requêtes modifient des clés d’API de cette organisation. Réessayez dans un instant.",
            es="Otras solicitudes están modificando claves de API de esta organización. Inténtelo de nuevo en breve.",
        ),
    ),
    "keys_unavailable": Entry(
        Text(
            en="Tokens cannot be verified",
            fr="Les jetons ne peuvent pas être vérifiés",
            es="No se pueden verificar los tokens",
        ),
        Text(
            en="The token’s issuer does not provide its keys. Try again shortly.",
            fr="L’émetteur du jeton ne fournit pas ses clés. Réessayez dans un instant.",
            es="El emisor del token no proporciona sus claves. Inténtelo de nuevo en breve.",
        ),
    ),
    "no_such_key": Entry(
        Text(
            en="API key not found",
            fr="Clé d’API introuvable",
            es="Clave de API no encontrada",
        ),
        details={
            "malformed": Text(
                en="The URL does not contain a valid API key id. An id starts with key_.",
                fr="L’URL ne contient pas d’identifiant de clé d’API valide. Un identifiant commence par key_.",
                es="La URL no contiene un identificador válido de clave de API. Un identificador empieza por key_.",
            ),
            "unknown": Text(
                en="Your organisation has no API key {key_id}.",
                fr="Votre organisation n’a pas de clé d’API {key_id}.",
                es="Su organización no tiene ninguna clave de API {key_id}.",
            ),
        },
    ),
    "no_such_organisation": Entry(
        Text(
            en="Organisation not found",
            fr="Organisation introuvable",
            es="Organización no encontrada",
        ),
        Text(
            en="The organisation {organisation_id} does not exist.",
            fr="L’organisation {organisation_id} n’existe pas.",
            es="La organización {organisation_id} no existe.",
        ),
    ),
    "scope_not_allowed": Entry(
        Text(
            en="Scope not allowed",
            fr="Portée non autorisée",
            es="Ámbito no permitido",
        ),
        Text(
            en="You cannot create a key with scopes that you do not have: {scopes}.",
            fr="Vous ne pouvez pas créer une clé avec des portées que vous n’avez pas : {scopes}.",
            es="No puede crear una clave con ámbitos que usted no tiene: {scopes}.",
        ),
    ),
    "tier_not_allowed": Entry(
        Text(
            en="Tier not allowed",
            fr="Niveau non autorisé",
            es="Nivel no permitido",
        ),
        details={
            "above_limit": Text(
                en="The tier “{tier}” is not available. The highest tier of your organisation’s keys is “{highest}”.",
                fr="Le niveau « {tier} » n’est pas disponible. Le niveau le plus élevé des clés de votre organisation "
                "est « {highest} ».",
                es="El nivel «{tier}» no está disponible. El nivel más alto de las claves de su organización "
                "es «{highest}».",
            ),
            "unknown": Text(
                en="The tier “{tier}” does not exist. Choose one of these: {tiers}.",
                fr="Le niveau « {tier} » n’existe pas. Choisissez l’un de ceux-ci : {tiers}.",
                es="El nivel «{tier}» no existe. Elija uno de estos: {tiers}.",
            ),
        },
    ),
    "too_many_keys": Entry(
        Text(
            en="Too many API keys",
            fr="Trop de clés d’API",
            es="Demasiadas claves de API",
        ),
        details={
            "active": Text(
                en="Your organisation has reached the maximum of {max_keys} active API keys. Revoke one that you do "
                "not use.",
                fr="Votre organisation a atteint le maximum de {max_keys} clés d’API actives. Révoquez-en une que vous "
                "n’utilisez pas.",
                es="Su organización ha alcanzado el máximo de {max_keys} claves de API activas. Revoque una que no "
                "use.",
            ),
            "remembered": Text(
                en="Your organisation has reached the maximum of {max_keys} API keys. Expired and revoked keys count "
                "for {days} days. Try again when the oldest no longer counts.",
                fr="Votre organisation a atteint le maximum de {max_keys} clés d’API. Les clés expirées et révoquées "
                "comptent pendant {days} jours. Réessayez lorsque la plus ancienne ne comptera plus.",
                es="Su organización ha alcanzado el máximo de {max_keys} claves de API. Las claves caducadas y "
                "revocadas cuentan durante {days} días. Inténtelo de nuevo cuando la más antigua ya no cuente.",
            ),
        },
    ),
}
