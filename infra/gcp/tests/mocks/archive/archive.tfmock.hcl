mock_data "archive_file" {
  defaults = { output_path = ".terraform/acme-gcp.zip", output_sha256 = "5feceb66" }
}
