mock_data "archive_file" {
  defaults = {
    output_md5    = "d41d8cd98f00b204e9800998ecf8427e"
    output_sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
  }
}
