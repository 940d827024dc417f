import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting

/// Events for tests.
enum Events {
    static func vault(_ name: String) -> ResourceID {
        ResourceID(subscription: "s", group: "g", namespace: "Microsoft.KeyVault", type: "vaults", name: name)
    }

    static func event(_ number: Int, on vault: String = "kv1", clientInfo: String? = nil) -> AuditEvent {
        AuditEvent(
            time: Timestamp(milliseconds: Int64(number)), resource: Self.vault(vault), operation: "KeyUnwrap", status: 200,
            resultDescription: nil, durationMilliseconds: 1, callerAddress: "127.0.0.1", callerObjectID: "o",
            callerApplicationID: "a", correlationID: "\(number)", object: nil, clientInfo: clientInfo, requestURI: nil)
    }

    static func random(_ random: inout SeededRandom) -> AuditEvent {
        AuditEvent(
            time: Timestamp(milliseconds: .random(in: .min ... .max, using: &random)), resource: vault("kv1"), operation: text(&random),
            operationVersion: optional(&random, text), status: .random(in: 100...599, using: &random),
            resultDescription: optional(&random, text), durationMilliseconds: .random(in: 0 ... .max, using: &random),
            callerAddress: text(&random), callerObjectID: optional(&random, text), callerApplicationID: optional(&random, text),
            callerPrincipalName: optional(&random, text), correlationID: text(&random), object: optional(&random, text), clientInfo: optional(&random, text),
            requestURI: optional(&random, text),
            access: [
                nil, .roleAssignment(isAuthorized: .random(using: &random)), .accessPolicy(isMatch: .random(using: &random)),
            ].randomElement(using: &random) ?? nil,
            key: optional(&random) { random in
                AuditKey(
                    type: text(&random), size: optional(&random) { .random(in: 0...9999, using: &$0) }, curve: optional(&random, text))
            },
            algorithm: optional(&random, text))
    }

    private static func optional<T>(_ random: inout SeededRandom, _ make: (inout SeededRandom) -> T) -> T? {
        Bool.random(using: &random) ? make(&random) : nil
    }

    /// Any scalars, with many that JSON must escape.
    private static func text(_ random: inout SeededRandom) -> String {
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...40, using: &random) {
            let ranges: [ClosedRange<UInt32>] = [0...0x1f, 0x20...0x7f, 0x22...0x22, 0x5c...0x5c, 0x80...0xd7ff, 0xe000...0x10ffff]
            let range = ranges.randomElement(using: &random) ?? 0...0
            if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &random)) { text.append(scalar) }
        }
        return String(text)
    }
}
