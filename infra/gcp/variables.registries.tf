variable "registries" {
  description = <<-EOT
    The registries that the functions serve, by name (1 to 64 characters of A-Z, a-z, 0-9, - and _). Their repositories
    exist, with format Docker.
    - project_id: registry_project_id if left out
    - location: a region or multi-region; region if left out
    - repository_id: {prefix}-{name} if left out; also gcr.io, us.gcr.io, eu.gcr.io or asia.gcr.io, with two accounts of yours
    - pull_service_account, push_service_account: accounts of yours, as { email, project_id }, with the registry's project if that is left out;
      made here if left out
  EOT
  type = map(object({
    project_id           = optional(string)
    location             = optional(string)
    repository_id        = optional(string)
    pull_service_account = optional(object({ email = string, project_id = optional(string) }))
    push_service_account = optional(object({ email = string, project_id = optional(string) }))
    # Refused below: without them here Terraform would drop what an earlier version took, and other accounts would be made.
    pull_service_account_email = optional(string)
    push_service_account_email = optional(string)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = length(var.registries) > 0 || var.derived_registries
    error_message = "Name at least one registry, or allow derived_registries."
  }
  validation {
    condition     = alltrue([for name in keys(var.registries) : can(regex("^[A-Za-z0-9_-]{1,64}$", name))])
    error_message = "A registry's name must have 1 to 64 characters of A-Z, a-z, 0-9, - and _."
  }
  validation {
    condition     = length(distinct([for name in keys(var.registries) : upper(replace(name, "-", "_"))])) == length(var.registries)
    error_message = "Two registries share a variable: their names differ only in case, or in - and _."
  }
  validation {
    condition = alltrue([for registry in values(var.registries) :
      can(regex("^(?:[a-z0-9][a-z0-9.-]*\\.[a-z]{2,}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$", coalesce(registry.project_id, var.project_id)))
    ])
    error_message = "A registry's project_id must be a project id: not its number, and not its name."
  }
  validation {
    condition     = alltrue([for registry in values(var.registries) : can(regex("^[a-z]+(?:-[a-z0-9]+)*$", coalesce(registry.location, var.region)))])
    error_message = "A registry's location must be a region or a multi-region, as europe-west1 or europe."
  }
  validation {
    condition = alltrue([for name, registry in var.registries :
      can(regex("^(?:[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?|(?:(?:us|eu|asia)\\.)?gcr\\.io)$", coalesce(registry.repository_id, "${var.prefix}-${name}")))
    ])
    error_message = "A repository_id must have 1 to 63 characters of a-z, 0-9 and -, begin with a letter and not end with -, or be gcr.io, us.gcr.io, eu.gcr.io or asia.gcr.io. Set one where the registry's name gives none."
  }
  validation {
    # Each has one location (Artifact Registry, "gcr.io domain support"), and its name gives no account's.
    condition = alltrue([for registry in values(var.registries) :
      coalesce(registry.location, var.region) == lookup({ "eu.gcr.io" = "europe", "asia.gcr.io" = "asia" }, registry.repository_id, "us")
      && registry.pull_service_account != null && registry.push_service_account != null
      if can(regex("\\.", registry.repository_id))
    ])
    error_message = "A repository of gcr.io has the location us (gcr.io, us.gcr.io), europe (eu.gcr.io) or asia (asia.gcr.io), and needs a pull and a push account of yours."
  }
  validation {
    # The location is no part of an image's name under the host.
    condition = length(distinct([for name, registry in var.registries :
      "${coalesce(registry.project_id, var.registry_project_id, var.project_id)}/${coalesce(registry.repository_id, "${var.prefix}-${name}")}"
    ])) == length(var.registries)
    error_message = "Two registries have the same repository, or repositories of one name in two locations: an image could belong to both."
  }
  validation {
    condition     = alltrue([for registry in values(var.registries) : registry.pull_service_account_email == null && registry.push_service_account_email == null])
    error_message = "pull_service_account_email is pull_service_account = { email, project_id } now, and push_service_account_email likewise."
  }
  validation {
    condition = alltrue([for name, registry in var.registries :
      coalesce(registry.project_id, var.registry_project_id, var.project_id) != var.project_id || coalesce(registry.repository_id, "${var.prefix}-${name}") != "${var.prefix}-functions"
    ])
    error_message = "{prefix}-functions holds the functions' own images: who may push there becomes the functions."
  }
  validation {
    condition = alltrue(flatten([for registry in values(var.registries) : [
      for account in concat(registry.pull_service_account[*], registry.push_service_account[*]) :
      can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]@[a-z][a-z0-9-]{4,28}[a-z0-9](?:\\.[a-z0-9.-]+)?\\.iam\\.gserviceaccount\\.com$", account.email))
    ]]))
    error_message = "A service account must be the e-mail address of one that was made in a project: {id}@{project}.iam.gserviceaccount.com."
  }
  validation {
    # A domain-scoped project, example.com:project, has accounts @project.example.com.iam.gserviceaccount.com.
    condition = alltrue(flatten([for registry in values(var.registries) : [
      for account in concat(registry.pull_service_account[*], registry.push_service_account[*]) : endswith(account.email, "@${join(".", reverse(split(
        ":", coalesce(account.project_id, registry.project_id, var.registry_project_id, var.project_id)
      )))}.iam.gserviceaccount.com")
    ]]))
    error_message = "A service account must be one of its project_id, or of the registry's project where that is left out: its roles are made there."
  }
  validation {
    condition = alltrue([for registry in values(var.registries) :
      length(distinct(concat(registry.pull_service_account[*].email, registry.push_service_account[*].email))) == length(concat(registry.pull_service_account[*], registry.push_service_account[*]))
    ])
    error_message = "A registry's pull and push accounts must be two: credentials for pulls would push."
  }
  validation {
    # One account for two registries would open both with the credentials of one.
    condition = length(distinct(flatten([for registry in values(var.registries) : distinct(concat(registry.pull_service_account[*].email, registry.push_service_account[*].email))]))) == length(
      flatten([for registry in values(var.registries) : distinct(concat(registry.pull_service_account[*].email, registry.push_service_account[*].email))])
    )
    error_message = "No service account may serve two registries: credentials for one would open the other."
  }
}

variable "registry_project_id" {
  description = "The project of the registries that name none of their own: project_id if left out. The provision door and derived_registries need one in which nothing else is."
  type        = string
  default     = null

  validation {
    condition     = can(regex("^(?:[a-z0-9][a-z0-9.-]*\\.[a-z]{2,}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$", coalesce(var.registry_project_id, var.project_id)))
    error_message = "registry_project_id must be a project id: not its number, and not its name."
  }
}

variable "derived_registries" {
  description = <<-EOT
    Set it where registries are provisioned at run time, without a deployment of this module: the functions then find an
    unnamed registry by its name, and may work on every repository of registry_project_id that has the tag which provisionRegistry
    attaches.
  EOT
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.derived_registries || coalesce(var.registry_project_id, var.project_id) != var.project_id
    error_message = "With derived_registries the functions may look at every repository of the registries' project, and open those with their tag to others: give them a project of their own (registry_project_id), without the functions'."
  }
}
