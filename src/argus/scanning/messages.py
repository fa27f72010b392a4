"""Messages of scanning for users."""

from argus.core.languages import Entry, Messages, Text

MESSAGES: Messages = {
    "ambiguous_target": Entry(
        Text(
            en="Target given twice or not at all",
            fr="Cible indiquée deux fois ou pas du tout",
            es="Objetivo indicado dos veces o ninguna",
        ),
        Text(
            en="Identify this target by its “{expected}” alone.",
            fr="Indiquez cette cible par son « {expected} » seul.",
            es="Indique este objetivo solo mediante su «{expected}».",
        ),
    ),
    "budget_spent": Entry(
        Text(
            en="Plugin exceeded its time limit",
            fr="Délai du plugin dépassé",
            es="El plugin superó su tiempo límite",
        ),
        Text(
            en="The plugin ran longer than the {seconds} s that its manifest allows.",
            fr="Le plugin a dépassé les {seconds} s que son manifeste autorise.",
            es="El plugin superó los {seconds} s que permite su manifiesto.",
        ),
    ),
    "invalid_options": Entry(
        Text(
            en="Invalid plugin options",
            fr="Options de plugin invalides",
            es="Opciones de plugin no válidas",
        ),
        Text(
            en="The plugin {plugin} does not accept these options: {options}. See “errors” for details.",
            fr="Le plugin {plugin} n’accepte pas ces options : {options}. Consultez « errors » pour plus de détails.",
            es="El plugin {plugin} no acepta estas opciones: {options}. Consulte «errors» para más detalles.",
        ),
    ),
    "no_such_plugin": Entry(
        Text(
            en="Plugin not found",
            fr="Plugin introuvable",
            es="Plugin no encontrado",
        ),
        Text(
            en="There is no plugin {plugin}. List the plugins to see which ones are installed.",
            fr="Il n’existe pas de plugin {plugin}. Consultez la liste des plugins installés.",
            es="No existe ningún plugin {plugin}. Consulte la lista de plugins instalados.",
        ),
    ),
    "no_such_scan": Entry(
        Text(
            en="Scan not found",
            fr="Analyse introuvable",
            es="Análisis no encontrado",
        ),
        Text(
            en="Your organisation has no scan {scan_id}.",
            fr="Votre organisation n’a pas d’analyse {scan_id}.",
            es="Su organización no tiene ningún análisis {scan_id}.",
        ),
    ),
    "permission_not_declared": Entry(
        Text(
            en="Plugin permission not declared",
            fr="Permission de plugin non déclarée",
            es="Permiso de plugin no declarado",
        ),
        Text(
            en="The plugin’s manifest does not declare the permission {permission}.",
            fr="Le manifeste du plugin ne déclare pas la permission {permission}.",
            es="El manifiesto del plugin no declara el permiso {permission}.",
        ),
    ),
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
    "repeated_plugin": Entry(
        Text(
            en="Plugin selected twice",
            fr="Plugin sélectionné deux fois",
            es="Plugin seleccionado dos veces",
        ),
        Text(
            en="A scan runs each plugin once. Name each plugin only once.",
            fr="Une analyse exécute chaque plugin une seule fois. Indiquez chaque plugin une seule fois.",
            es="Un análisis ejecuta cada plugin una sola vez. Indique cada plugin una sola vez.",
        ),
    ),
    "scan_ended": Entry(
        Text(
            en="Scan has ended",
            fr="Analyse terminée",
            es="Análisis terminado",
        ),
        Text(
            en="The scan {scan_id} has already ended (state {state}) and cannot be cancelled.",
            fr="L’analyse {scan_id} est déjà terminée (état {state}) et ne peut plus être annulée.",
            es="El análisis {scan_id} ya terminó (estado {state}) y no se puede cancelar.",
        ),
    ),
    "scan_ending": Entry(
        Text(
            en="Scan is about to end",
            fr="Analyse sur le point de se terminer",
            es="Análisis a punto de terminar",
        ),
        Text(
            en="The scan {scan_id} has run all plugins and is publishing its findings. It can no longer be cancelled.",
            fr="L’analyse {scan_id} a exécuté tous ses plugins et publie ses constats. Elle ne peut plus être annulée.",
            es="El análisis {scan_id} ejecutó todos los plugins y publica sus hallazgos. Ya no se puede cancelar.",
        ),
    ),
    "scan_not_ended": Entry(
        Text(
            en="Scan has not ended",
            fr="Analyse non terminée",
            es="Análisis no terminado",
        ),
        Text(
            en="The scan {scan_id} has not ended yet (state {state}). Try again when it has.",
            fr="L’analyse {scan_id} n’est pas encore terminée (état {state}). Réessayez quand elle le sera.",
            es="El análisis {scan_id} aún no ha terminado (estado {state}). Inténtelo de nuevo cuando termine.",
        ),
    ),
    "steps_failed": Entry(
        Text(
            en="Some plugins did not finish",
            fr="Certains plugins n’ont pas abouti",
            es="Algunos plugins no terminaron",
        ),
        Text(
            en="These plugins did not finish: {plugins}.",
            fr="Ces plugins n’ont pas abouti : {plugins}.",
            es="Estos plugins no terminaron: {plugins}.",
        ),
    ),
    "too_many_combinations": Entry(
        Text(
            en="Too many combinations of filters",
            fr="Trop de combinaisons de filtres",
            es="Demasiadas combinaciones de filtros",
        ),
        Text(
            en="The chosen values make {combinations} combinations; at most {max_combinations} are "
            "allowed. Choose fewer values.",
            fr="Les valeurs choisies forment {combinations} combinaisons ; {max_combinations} au plus "
            "sont autorisées. Choisissez moins de valeurs.",
            es="Los valores elegidos forman {combinations} combinaciones; se permiten como máximo "
            "{max_combinations}. Elija menos valores.",
        ),
    ),
    "too_many_findings": Entry(
        Text(
            en="Too many findings",
            fr="Trop de constats",
            es="Demasiados hallazgos",
        ),
        Text(
            en="The plugin reported more than {max_findings} findings and was stopped.",
            fr="Le plugin a signalé plus de {max_findings} constats et a été arrêté.",
            es="El plugin informó de más de {max_findings} hallazgos y fue detenido.",
        ),
    ),
    "undeclared_rule": Entry(
        Text(
            en="Rule not declared",
            fr="Règle non déclarée",
            es="Regla no declarada",
        ),
        Text(
            en="The plugin used the rule {rule}, which its manifest does not declare.",
            fr="Le plugin a utilisé la règle {rule}, que son manifeste ne déclare pas.",
            es="El plugin usó la regla {rule}, que su manifiesto no declara.",
        ),
    ),
    "unknown_target": Entry(
        Text(
            en="Unknown kind of target",
            fr="Type de cible inconnu",
            es="Tipo de objetivo desconocido",
        ),
        Text(
            en="There is no kind of target {kind}. Choose one of these: {kinds}.",
            fr="Il n’existe pas de type de cible {kind}. Choisissez l’un de ceux-ci : {kinds}.",
            es="No existe el tipo de objetivo {kind}. Elija uno de estos: {kinds}.",
        ),
    ),
    "wrong_target": Entry(
        Text(
            en="Target not supported by the plugin",
            fr="Cible non prise en charge par le plugin",
            es="Objetivo no admitido por el plugin",
        ),
        Text(
            en="The plugin {plugin} scans targets of the kind {kinds}, not {kind}.",
            fr="Le plugin {plugin} analyse les cibles de type {kinds}, pas {kind}.",
            es="El plugin {plugin} analiza objetivos del tipo {kinds}, no {kind}.",
        ),
    ),
    "wrong_target_field": Entry(
        Text(
            en="Wrong field for the target",
            fr="Mauvais champ pour la cible",
            es="Campo incorrecto para el objetivo",
        ),
        Text(
            en="A target of the kind {kind} has the field {expected}, not {given}.",
            fr="Une cible de type {kind} a le champ {expected}, et non {given}.",
            es="Un objetivo del tipo {kind} tiene el campo {expected}, no {given}.",
        ),
    ),
}

# Sentences about fields: of our own schemas, and of fastjsonschema about the options of plugins.
FIELD_ERRORS: tuple[Text, ...] = (
    Text(
        en="At most {max} options are allowed.",
        fr="Au plus {max} options sont autorisées.",
        es="Se permiten como máximo {max} opciones.",
    ),
    Text(
        en="Not a target. Use kind:value, for example image:img_….",
        fr="Cible invalide. Utilisez kind:value, par exemple image:img_….",
        es="Objetivo no válido. Use kind:value, por ejemplo image:img_….",
    ),
    Text(
        en="There is no such option.",
        fr="Cette option n’existe pas.",
        es="Esta opción no existe.",
    ),
    Text(
        en="Must be a finite number of reasonable size.",
        fr="La valeur doit être un nombre fini de taille raisonnable.",
        es="El valor debe ser un número finito de tamaño razonable.",
    ),
    Text(
        en="Must be number.",
        fr="La valeur doit être un nombre.",
        es="El valor debe ser un número.",
    ),
    Text(
        en="Must be number or null.",
        fr="La valeur doit être un nombre ou null.",
        es="El valor debe ser un número o null.",
    ),
    Text(
        en="Must be integer.",
        fr="La valeur doit être un nombre entier.",
        es="El valor debe ser un número entero.",
    ),
    Text(
        en="Must be integer or null.",
        fr="La valeur doit être un nombre entier ou null.",
        es="El valor debe ser un número entero o null.",
    ),
    Text(
        en="Must be boolean.",
        fr="La valeur doit être true ou false.",
        es="El valor debe ser true o false.",
    ),
    Text(
        en="Must be string.",
        fr="La valeur doit être du texte.",
        es="El valor debe ser texto.",
    ),
    Text(
        en="Must be string or null.",
        fr="La valeur doit être du texte ou null.",
        es="El valor debe ser texto o null.",
    ),
    Text(
        en="Must be bigger than or equal to {minimum}.",
        fr="La valeur doit être supérieure ou égale à {minimum}.",
        es="El valor debe ser mayor o igual que {minimum}.",
    ),
    Text(
        en="Must be smaller than or equal to {maximum}.",
        fr="La valeur doit être inférieure ou égale à {maximum}.",
        es="El valor debe ser menor o igual que {maximum}.",
    ),
    Text(
        en="Must be longer than or equal to {length} characters.",
        fr="Le texte doit compter au moins {length} caractères.",
        es="El texto debe tener al menos {length} caracteres.",
    ),
    Text(
        en="Must be shorter than or equal to {length} characters.",
        fr="Le texte doit compter au plus {length} caractères.",
        es="El texto debe tener como máximo {length} caracteres.",
    ),
    Text(
        en="Must match pattern {pattern}.",
        fr="Le texte doit correspondre au format {pattern}.",
        es="El texto debe tener el formato {pattern}.",
    ),
    Text(
        en="Must be one of [{choices}].",
        fr="Valeurs possibles : {choices}.",
        es="Valores posibles: {choices}.",
    ),
)
