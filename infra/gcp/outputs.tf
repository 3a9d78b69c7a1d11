output "functions" {
  description = "The functions or services, by door: name, URL (which tokens for platform, invoke and provision must have as their audience), and account."
  value = {
    for door in keys(var.doors) : door => {
      name            = local.services_by_door[door].name
      url             = local.services_by_door[door].uri
      service_account = local.function_emails[door]
    }
  }
}

output "bindings" {
  description = "The binding of each registry, as JSON: what ALIEN_{NAME}_BINDING holds."
  value       = local.bindings
}

output "minting_accounts" {
  description = "The pull and push accounts, by registry, whoever makes them."
  value = {
    for name in keys(local.registries) : name => { for kind in ["pull", "push"] : kind => local.minting_accounts["${name}/${kind}"].email }
  }
}

output "setup_topic" {
  description = "The topic for set-up events; null without the events door."
  value       = local.takes_events ? local.setup_topic : null
}

output "dead_letters" {
  description = "Where events go that can never succeed, each with its reason: the topic, and the subscription that keeps them; null without the events door."
  value = local.takes_events ? {
    topic        = local.dead_letter_topic
    subscription = "projects/${var.project_id}/subscriptions/${var.prefix}-dead-letters"
  } : null
}

output "kms_agents" {
  description = "Google's agents that must have roles/cloudkms.cryptoKeyEncrypterDecrypter on the key of encryption; empty without it."
  value       = local.kms_agents
}
