"""Object storage: any S3 service, or the embedded server that we start ourselves."""
