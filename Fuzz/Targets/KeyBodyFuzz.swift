// modules: CofferCore CofferCrypto CofferModel CofferPlatform CofferVault
import CofferCore
import CofferModel
@testable import CofferVault

/// Any bytes as the bodies of key requests that are more than a few fields: an import, a rotation policy, a certificate's policy, and a
/// duration; and as an object of plain texts, which a decoder reads alike. What was read is written and read again the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let now = Timestamp(seconds: 1_800_000_000)
    if let duration = CalendarDuration(String(decoding: bytes, as: UTF8.self)) {
        precondition(CalendarDuration(duration.text) == duration, "a duration does not read back")
        _ = now.adding(duration)
        _ = now.subtracting(duration)
    }
    if let object = PlainJSONObject(bytes) {
        let texts = try? JSON.decode([String: String].self, from: bytes)
        precondition(texts == Dictionary(uniqueKeysWithValues: object.names.map { ($0, object[$0] ?? "") }), "the quick reader reads other texts")
    }
    if let body = try? JSON.decode(ImportKeyBody.self, from: bytes) { _ = try? KeyImport(body) }
    if let body = try? JSON.decode(RotationPolicyBody.self, from: bytes) { _ = try? RotationPolicy(body, created: now, updated: now) }
    if let policy = try? JSON.decode(CertificatePolicy.self, from: bytes),
        let checked = try? policy.checked(created: now, updated: now)
    {
        precondition((try? checked.checked(created: now, updated: now)) == checked, "a checked policy does not stay as it is")
    }
    return 0
}
