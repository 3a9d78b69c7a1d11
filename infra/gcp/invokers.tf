# Who may call a door. The whole binding is the module's, so that what is added by hand is taken away: where everybody may
# call, Google does not verify tokens, and the doors that believe Google's word would believe anybody's.
locals {
  invokers = {
    for door in keys(var.doors) : door => {
      # Public on purpose: the function verifies every token itself, and believes nothing else.
      oidc   = var.invoker_iam_disabled ? [] : ["allUsers"]
      events = ["serviceAccount:${local.trigger_email}"]
    }[door] if contains(["oidc", "events"], door)
  }
}

resource "google_cloud_run_v2_service_iam_binding" "invoker" {
  for_each = var.doors

  project  = var.project_id
  location = var.region
  name     = local.services_by_door[each.key].name
  role     = "roles/run.invoker"
  members  = lookup(local.invokers, each.key, lookup(var.callers, each.key, []))
}
