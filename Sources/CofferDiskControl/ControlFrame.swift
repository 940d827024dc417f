import FoundationEssentials
package import CofferModel

/// Messages of the control protocol: four bytes of length, big-endian, then that much JSON. docs/formats/disk-control.md is normative.
package enum ControlFrame {
    /// The longest command, in bytes of JSON.
    package static let commandByteCount = 1 << 20
    /// The longest reply, in bytes of JSON: a fragmented disk has many holes.
    package static let replyByteCount = 64 << 20
    /// Bytes of the length.
    package static let prefixByteCount = 4

    /// A message with its length in front.
    package static func encode(_ message: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let body = try encoder.encode(message)
        let length = UInt32(clamping: body.count)
        return (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * UInt32($0))) } + body
    }

    /// The length that four bytes say, or nil if there are not four.
    package static func length(_ prefix: [UInt8]) -> Int? {
        guard prefix.count == prefixByteCount else { return nil }
        return prefix.reduce(0) { $0 << 8 | Int($1) }
    }

    /// Reads the JSON of a command.
    ///
    /// - Throws: ``DiskFailure`` with `badCommand` if it is none that this version knows.
    package static func command(_ body: [UInt8]) throws(DiskFailure) -> DiskCommand {
        do {
            return try JSONDecoder().decode(DiskCommand.self, from: Data(body))
        } catch {
            throw DiskFailure(.badCommand, "the message is no command of version \(DiskControlVersion.current) of the control protocol")
        }
    }

    /// Reads the JSON of a reply.
    ///
    /// - Throws: ``DiskFailure`` with `system` if it is none that this version knows.
    package static func reply(_ body: [UInt8]) throws(DiskFailure) -> DiskReply {
        do {
            return try JSONDecoder().decode(DiskReply.self, from: Data(body))
        } catch {
            throw DiskFailure(.system, "coffer-diskd sent a reply that is none of version \(DiskControlVersion.current) of the control protocol")
        }
    }
}
