import CofferPlatform

/// Records nothing: what `--benchmark-without-audit` puts in the audit log's place, to measure the log's price.
struct NoAudit: AuditLog {
    func record(_ event: AuditEvent) async throws {}
}
