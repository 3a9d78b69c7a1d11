// An app of one function that answers what has come. `PROBE_STREAMING` switches HTTP streaming on, as an app does it.
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
