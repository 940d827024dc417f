package import CofferCore
package import CofferModel
package import CofferPlatform

/// Reads the events of a chain.
package struct AuditTrail: Sendable {
    let source: any AuditSource

    package init(source: any AuditSource) {
        self.source = source
    }

    /// Calls `body` with each event from `start` on and before `end`, oldest first, until it returns false.
    ///
    /// - Throws: ``Unreadable`` at a record that is not of the form that records have.
    package func each(
        of resource: ResourceID, from start: Timestamp? = nil, to end: Timestamp? = nil, _ body: (AuditEntry) throws -> Bool
    ) async throws {
        try await source.each(.records, of: resource) { sequence, bytes in
            guard let block = bytes.flatMap({ AuditBlock($0) }) else { throw Unreadable(block: sequence) }
            for line in block.lines {
                guard let record = try? JSON.decode(AuditRecord.self, from: line.json) else { throw Unreadable(block: sequence) }
                let event = record.event(on: resource)
                if let start, event.time < start { continue }
                if let end, event.time >= end { continue }
                guard try body(AuditEntry(number: line.number, event: event)) else { return false }
            }
            return true
        }
    }

    /// A block of the chain cannot be read; `coffer audit-log verify` says more.
    package struct Unreadable: Error, Equatable, CustomStringConvertible {
        package let block: Int64

        package var description: String {
            "Block \(block) of the audit log cannot be read. Look what else is wrong with: coffer audit-log verify"
        }
    }
}

/// An event and its place in its chain.
package struct AuditEntry: Equatable, Sendable {
    /// From 1.
    package let number: Int64
    package let event: AuditEvent
}
