# What the doors run. Exactly one of these four is set.
variable "package_path" {
  description = "The folder that `npm run build` writes for Google Cloud: dist/gcp. It is archived while planning, so that plan and apply must run in one place: set package_zip or package_object where they do not."
  type        = string
  default     = null

  validation {
    condition     = (var.package_path == null ? 0 : 1) + (var.package_zip == null ? 0 : 1) + (var.package_object == null ? 0 : 1) + (var.image == null ? 0 : 1) == 1
    error_message = "Set exactly one of package_path, package_zip, package_object and image."
  }
}

variable "package_zip" {
  description = "A zip archive of that folder: { path }. It is read when the module is planned and again when it is applied, and must be the same file in both: keep it with the plan."
  type        = object({ path = string })
  default     = null
}

variable "package_object" {
  description = <<-EOT
    A zip archive of that folder, in a bucket that exists: neither plan nor apply reads a file.
    - bucket, name: of the object. Another archive needs another name, or else no function is built anew
    Who may write to this bucket becomes the functions. The build account gets roles/storage.objectViewer on it.
  EOT
  type = object({
    bucket = string
    name   = string
  })
  default = null
}

variable "image" {
  description = <<-EOT
    A container image of that folder, as { name } with its digest: each door is then a plain Cloud Run service, and nothing is built here. It must be an image
    that Google's buildpacks make, or another that starts the functions framework and leaves FUNCTION_TARGET to its environment.
  EOT
  type        = object({ name = string })
  default     = null

  validation {
    condition     = alltrue([for image in var.image[*] : can(regex("^[^@\\s]+/[^@\\s]+@sha256:[0-9a-f]{64}$", image.name))])
    error_message = "image must have a name with a host, a repository and a digest: host/repository@sha256:… With a tag alone, a new image would make no new revision."
  }
}

variable "invoker_iam_disabled" {
  description = "Opens the oidc door by turning Cloud Run's check for invokers off, and not by a binding of allUsers, which organisations refuse that restrict domains. It needs image: Cloud Functions cannot turn it off."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.invoker_iam_disabled || (var.image != null && contains(keys(var.doors), "oidc"))
    error_message = "invoker_iam_disabled opens the oidc door and needs image: the Cloud Functions API has no such switch."
  }
}

variable "encryption" {
  description = <<-EOT
    Encrypts what the module makes with a key of yours (CMEK): the functions or services, their images and sources, the topics and the logs.
    Repositories of registries are not made here: they have the key that you gave them.
    - kms_key_name: projects/{project}/locations/{region}/keyRings/{ring}/cryptoKeys/{key}, in the functions' region
    - grant_agents: false where others let Google's agents use the key (the output kms_agents has them)
  EOT
  type = object({
    kms_key_name = string
    grant_agents = optional(bool, true)
  })
  default = null

  validation {
    condition     = var.encryption == null ? true : can(regex("^projects/[^/]+/locations/${var.region}/keyRings/[A-Za-z0-9_-]{1,63}/cryptoKeys/[A-Za-z0-9_-]{1,63}$", var.encryption.kms_key_name))
    error_message = "kms_key_name must be projects/{project}/locations/{region}/keyRings/{ring}/cryptoKeys/{key}, with the region of the functions and without a version."
  }
}
