locals {
  lease_table     = "${var.prefix}-leases"
  lease_table_arn = "arn:${local.partition}:dynamodb:${local.region}:${local.account}:table/${local.lease_table}"
}

# Edits of a repository's policy take turns here. The item also records what is granted, so after a restore the table is to
# be emptied: an old record would win over the policy.
resource "aws_dynamodb_table" "leases" {
  count = length(local.spaces) > 0 ? 1 : 0

  name         = local.lease_table
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "repository"
  tags         = var.tags

  # `keep` lets nobody delete it, this module included.
  deletion_protection_enabled = var.keep.lease_table

  attribute {
    name = "repository"
    type = "S"
  }

  ttl {
    attribute_name = "expiresAt"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  dynamic "server_side_encryption" {
    for_each = var.kms_keys.leases[*]
    content {
      enabled     = true
      kms_key_arn = server_side_encryption.value.arn
    }
  }
}
