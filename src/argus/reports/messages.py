"""Messages of reports for users."""

from argus.core.languages import Entry, Messages, Text

MESSAGES: Messages = {
    "no_such_report": Entry(
        Text(
            en="Report not found",
            fr="Rapport introuvable",
            es="Informe no encontrado",
        ),
        Text(
            en="Your organisation has no report {report_id}.",
            fr="Votre organisation n’a pas de rapport {report_id}.",
            es="Su organización no tiene ningún informe {report_id}.",
        ),
    ),
}
