// An app that answers what has come over HTTP, and logs what has come from a queue (with `PROBE_QUEUE`). `PROBE_STREAMING` switches
// HTTP streaming on, as an app does it.
const { app } = require("@azure/functions");

if (process.env.PROBE_STREAMING) app.setup({ enableHttpStream: true });
app.http("probe", {
  route: "{*path}",
  methods: ["GET", "POST"],
  authLevel: "anonymous",
  handler: async (request) => {
    if (new URL(request.url).pathname === "/throws") throw new Error("as asked");
    return {
      jsonBody: {
        url: request.url,
        method: request.method,
        headers: Object.fromEntries(request.headers),
        body: await request.text(),
      },
    };
  },
});
if (process.env.PROBE_QUEUE) {
  app.serviceBusQueue("queue", {
    queueName: "%PROBE_QUEUE%",
    connection: "PROBE",
    handler: (body, { triggerMetadata }) => console.log(JSON.stringify({ body, ...triggerMetadata })),
  });
}
