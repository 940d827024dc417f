package import CofferPlatform
import Synchronization

/// An audit log that tests can read.
package final class RecordingAuditLog: AuditLog {
    private let recorded = Mutex<[AuditEvent]>([])

    package init() {}

    /// What was recorded, oldest first.
    package var events: [AuditEvent] { recorded.withLock { $0 } }

    package func record(_ event: AuditEvent) async throws {
        recorded.withLock { $0.append(event) }
    }
}
