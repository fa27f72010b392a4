SwaggerUIBundle({
  url: "api/v1/openapi.json",
  dom_id: "#explorer",
  deepLinking: true,
  persistAuthorization: true,
  validatorUrl: null,
});
