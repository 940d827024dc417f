import CofferCore
import CofferPlatform
import CofferTesting
import Foundation
import Testing

/// Makes keys and verifies signatures with the machine's `openssl`.
enum ECDSACheck {
    /// DER of the `PrivateKeyInfo` of a new key.
    static func newKey(_ curve: TokenCurve) throws -> [UInt8] {
        let name = curve == .p256K ? "secp256k1" : curve.rawValue
        let words = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:\(name)", "-outform", "DER"]
        return try ToolProcess.run(words, errors: .dropped).output
    }

    /// The DER of an `ECDSA-Sig-Value` (RFC 3279 section 2.2.3) of R and S, one after the other.
    static func signature(_ raw: [UInt8]) throws -> [UInt8] {
        let half = raw.count / 2
        let numbers = integer(Array(raw[..<half])) + integer(Array(raw[half...]))
        return [0x30] + length(numbers.count) + numbers
    }

    static func holds(_ der: [UInt8], digest: [UInt8], curve: TokenCurve, x: [UInt8], y: [UInt8]) throws -> Bool {
        let directory = FileManager.default.temporaryDirectory.appending(path: "coffer-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let parameters: [UInt8] = switch curve {
        case .p256: [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]
        case .p384: [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22]
        case .p521: [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23]
        case .p256K: [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a]
        }
        let algorithm = [0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01] + parameters
        let bits: [UInt8] = [0, 4] + x + y
        let body = [0x30] + length(algorithm.count) + algorithm + [0x03] + length(bits.count) + bits
        var paths: [String] = []
        for (name, bytes) in [("key", [0x30] + length(body.count) + body), ("signature", der), ("digest", digest)] {
            let file = directory.appending(path: name)
            try Data(bytes).write(to: file)
            paths.append(file.path())
        }
        let words = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", paths[0], "-sigfile", paths[1], "-in", paths[2]]
        return try ToolProcess.run(words).status == 0
    }

    private static func integer(_ bytes: [UInt8]) -> [UInt8] {
        var number = Array(bytes.drop { $0 == 0 })
        if number.isEmpty || number[0] >= 0x80 { number.insert(0, at: 0) }
        return [0x02] + length(number.count) + number
    }

    private static func length(_ count: Int) -> [UInt8] {
        count < 128 ? [UInt8(count)] : [0x81, UInt8(count)]
    }
}
