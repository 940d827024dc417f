import CofferModel

/// The `api-version` of a data-plane request. Everything since 7.0 is one behaviour; later versions add fields.
///
/// When a field appears in a later version only, add a property here that says since when, and ask it where the field is
/// written.
struct VaultAPIVersion: Equatable, Sendable {
    private enum Form: Equatable {
        /// Such as 7.4.
        case numbered(major: Int, minor: Int)
        /// Such as 2025-07-01 without what may follow, all of them newer than the numbered ones.
        case dated(Substring)
    }

    private let form: Form

    /// Accepts 7.0 and later numbers, dates from 2025-06-01, and previews of both, known or not: clients are newer than we
    /// are.
    ///
    /// - Throws: ``APIError/badAPIVersion(_:)``.
    init(_ text: String?) throws {
        guard let text, text.utf8.count <= 40 else { throw APIError.badAPIVersion(text) }
        let numbers = Self.split(text[...], "-", atMost: 1)
        if let form = Self.numbered(numbers[0]), numbers.count == 1 || Self.isPreview(numbers[1]) {
            self.form = form
            return
        }
        let parts = Self.split(text[...], "-", atMost: 3)
        guard parts.count == 3 || parts.count == 4 && Self.isPreview(parts[3]),
            Self.number(parts[0], digits: 4...4) != nil, let month = Self.number(parts[1], digits: 2...2),
            let day = Self.number(parts[2], digits: 2...2), (1...12).contains(month), (1...31).contains(day),
            text.prefix(10) >= "2025-06-01"
        else { throw APIError.badAPIVersion(text) }
        form = .dated(text.prefix(10))
    }

    /// `attributes.hsmPlatform` came with 7.5.
    var hasHSMPlatform: Bool {
        switch form {
        case .numbered(let major, let minor): (major, minor) >= (7, 5)
        case .dated: true
        }
    }

    /// `preserveCertOrder` of certificates came with 7.6.
    var hasCertificateOrder: Bool { hasSymmetricSignatures }

    /// HMAC and PKCS #11's names of AES key wrap came with 7.6.
    var hasSymmetricSignatures: Bool {
        switch form {
        case .numbered(let major, let minor): (major, minor) >= (7, 6)
        case .dated: true
        }
    }

    /// `previousVersion` of secrets and certificates came with 2025-07-01.
    var hasPreviousVersion: Bool {
        switch form {
        case .numbered: false
        case .dated(let date): date >= "2025-07-01"
        }
    }

    /// `outContentType` of secrets came with 2025-07-01.
    var hasSecretConversion: Bool { hasPreviousVersion }

    private static func numbered(_ text: Substring) -> Form? {
        let parts = Self.split(text, ".")
        guard parts.count == 2, let major = number(parts[0], digits: 1...2), let minor = number(parts[1], digits: 1...2),
            major >= 7
        else { return nil }
        return .numbered(major: major, minor: minor)
    }

    /// `preview`, or `preview.` and a number.
    private static func isPreview(_ text: Substring) -> Bool {
        let parts = Self.split(text, ".")
        return parts[0].lowercased() == "preview" && (parts.count == 1 || parts.count == 2 && number(parts[1], digits: 1...3) != nil)
    }

    /// The parts between separators, by bytes: by characters it takes a microsecond of every request.
    private static func split(_ text: Substring, _ separator: Unicode.Scalar, atMost splits: Int = .max) -> [Substring] {
        text.utf8.split(separator: UInt8(ascii: separator), maxSplits: splits, omittingEmptySubsequences: false).map { Substring($0) }
    }

    private static func number(_ text: Substring, digits: ClosedRange<Int>) -> Int? {
        guard digits.contains(text.utf8.count),
            text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return Int(text)
    }
}
