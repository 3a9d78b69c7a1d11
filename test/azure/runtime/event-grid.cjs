// The host's Event Grid extension: one webhook for all triggers, which does both handshakes by itself
// (Azure/azure-sdk-for-net, Microsoft.Azure.WebJobs.Extensions.EventGrid).
async function eventGrid(functions, run, { method, url, headers, body }) {
  const { searchParams } = new URL(url);
  const name = searchParams.get("functionName");
  if (searchParams.get("code") !== "system-key") return { status: 401 };
  if (!functions.has(name)) return { status: 404 };
  if (method === "OPTIONS") {
    const origin = headers["webhook-request-origin"];
    return { status: 200, headers: { "webhook-allowed-origin": origin, "webhook-allowed-rate": "*" } };
  }
  const content = JSON.parse(body);
  const events = Array.isArray(content) ? content : [content];
  if (headers["aeg-event-type"] === "SubscriptionValidation") {
    return { status: 200, body: JSON.stringify({ validationResponse: events[0].data.validationCode }) };
  }
  const outcomes = await Promise.all(
    events.map((event) =>
      run(name, { json: JSON.stringify(event) }, { data: { json: JSON.stringify(event.data ?? null) } }),
    ),
  );
  return { status: outcomes.every(({ ok }) => ok) ? 202 : 500 };
}

module.exports = { eventGrid };
