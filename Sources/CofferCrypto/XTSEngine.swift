import CXTS

/// Ways to run AES-256-XTS, each faster than the one before. All give the same bytes.
package enum XTSEngine: String, Sendable, CaseIterable {
    /// On every machine.
    case openSSL = "openssl"
    /// AES-NI: one block in a register of 128 bits.
    case aesNI = "aesni"
    /// VAES with AVX2: two blocks in a register.
    case vaes256
    /// VAES with AVX-512: four blocks in a register.
    case vaes512

    /// Whether this processor, its system and this build can run it.
    package var isAvailable: Bool {
        self == .openSSL || coffer_xts_can(way) == 1
    }

    /// The fastest one here.
    package static let fastest = allCases.last(where: \.isAvailable) ?? .openSSL

    var way: coffer_xts_way {
        switch self {
        case .openSSL: coffer_xts_none
        case .aesNI: coffer_xts_aesni
        case .vaes256: coffer_xts_vaes256
        case .vaes512: coffer_xts_vaes512
        }
    }
}
