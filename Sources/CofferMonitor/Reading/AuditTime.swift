package import CofferCore
import FoundationEssentials

/// Times as people give them to `coffer audit-log`.
package enum AuditTime {
    /// RFC 3339 such as `2026-11-23T20:36:09Z`, with or without fractions of a second, or a day such as `2026-11-23`, which
    /// means its beginning in UTC.
    package static func parse(_ text: String) -> Timestamp? {
        let styles = [
            Date.ISO8601FormatStyle(), Date.ISO8601FormatStyle(includingFractionalSeconds: true),
            Date.ISO8601FormatStyle().year().month().day(),
        ]
        for style in styles {
            guard let date = try? style.parse(text) else { continue }
            return Int64(exactly: (date.timeIntervalSince1970 * 1000).rounded()).map { Timestamp(milliseconds: $0) }
        }
        return nil
    }
}
