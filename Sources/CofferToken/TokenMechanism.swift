import CPKCS11
import CofferCrypto

/// A mechanism of PKCS #11 with its parameters.
enum TokenMechanism {
    case plain(CK_MECHANISM_TYPE)
    /// AES-CBC.
    case blocks(CK_MECHANISM_TYPE, iv: [UInt8])
    /// RSA-OAEP without a label, its mask made with the same digest.
    case oaep(DigestAlgorithm)
    /// RSA-PSS with a salt as long as the digest, its mask made with the same digest.
    case pss(DigestAlgorithm)
    /// AES-GCM with a tag of 16 bytes.
    case gcm(nonce: [UInt8], data: [UInt8])

    /// Calls `body` with the mechanism, whose parameters live as long as the call.
    func withMechanism(_ body: (UnsafeMutablePointer<CK_MECHANISM>) -> CK_RV) -> CK_RV {
        switch self {
        case .plain(let type):
            return unsafe Self.call(type, nil, 0, body)
        case .blocks(let type, var iv):
            return unsafe iv.withUnsafeMutableBytes { unsafe Self.call(type, $0.baseAddress, $0.count, body) }
        case .oaep(let digest):
            var parameters = unsafe CK_RSA_PKCS_OAEP_PARAMS()
            unsafe parameters.hashAlg = digest.mechanism
            unsafe parameters.mgf = digest.mask
            unsafe parameters.source = CK_ULONG(CKZ_DATA_SPECIFIED)
            return unsafe Self.call(CK_MECHANISM_TYPE(CKM_RSA_PKCS_OAEP), &parameters, MemoryLayout.size(ofValue: parameters), body)
        case .pss(let digest):
            var parameters = CK_RSA_PKCS_PSS_PARAMS()
            parameters.hashAlg = digest.mechanism
            parameters.mgf = digest.mask
            parameters.sLen = CK_ULONG(digest.length)
            return unsafe Self.call(CK_MECHANISM_TYPE(CKM_RSA_PKCS_PSS), &parameters, MemoryLayout.size(ofValue: parameters), body)
        case .gcm(var nonce, var data):
            return unsafe nonce.withUnsafeMutableBufferPointer { nonce in
                unsafe data.withUnsafeMutableBufferPointer { data in
                    var parameters = unsafe CK_GCM_PARAMS()
                    unsafe parameters.pIv = nonce.baseAddress
                    unsafe parameters.ulIvLen = CK_ULONG(nonce.count)
                    unsafe parameters.ulIvBits = CK_ULONG(nonce.count * 8)
                    unsafe parameters.pAAD = data.isEmpty ? nil : data.baseAddress
                    unsafe parameters.ulAADLen = CK_ULONG(data.count)
                    unsafe parameters.ulTagBits = CK_ULONG(AESGCM.tagLength * 8)
                    let size = unsafe MemoryLayout.size(ofValue: parameters)
                    return unsafe Self.call(CK_MECHANISM_TYPE(CKM_AES_GCM), &parameters, size, body)
                }
            }
        }
    }

    private static func call(
        _ type: CK_MECHANISM_TYPE, _ parameter: UnsafeMutableRawPointer?, _ size: Int,
        _ body: (UnsafeMutablePointer<CK_MECHANISM>) -> CK_RV
    ) -> CK_RV {
        var mechanism = unsafe CK_MECHANISM(mechanism: type, pParameter: parameter, ulParameterLen: CK_ULONG(size))
        return unsafe body(&mechanism)
    }
}

extension DigestAlgorithm {
    fileprivate var mechanism: CK_MECHANISM_TYPE {
        switch self {
        case .sha1: CK_MECHANISM_TYPE(CKM_SHA_1)
        case .sha256: CK_MECHANISM_TYPE(CKM_SHA256)
        case .sha384: CK_MECHANISM_TYPE(CKM_SHA384)
        case .sha512: CK_MECHANISM_TYPE(CKM_SHA512)
        }
    }

    /// MGF1 of this digest.
    fileprivate var mask: CK_RSA_PKCS_MGF_TYPE {
        switch self {
        case .sha1: CK_RSA_PKCS_MGF_TYPE(CKG_MGF1_SHA1)
        case .sha256: CK_RSA_PKCS_MGF_TYPE(CKG_MGF1_SHA256)
        case .sha384: CK_RSA_PKCS_MGF_TYPE(CKG_MGF1_SHA384)
        case .sha512: CK_RSA_PKCS_MGF_TYPE(CKG_MGF1_SHA512)
        }
    }
}
