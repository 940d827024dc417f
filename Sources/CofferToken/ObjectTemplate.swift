import CPKCS11
import CofferCore
import CofferPlatform

/// Attributes of an object in a token, as functions of PKCS #11 take them.
struct ObjectTemplate {
    private var entries: [(type: CK_ATTRIBUTE_TYPE, range: Range<Int>)] = []
    private var bytes: [UInt8] = []

    mutating func add(_ type: CK_ATTRIBUTE_TYPE, _ value: [UInt8]) {
        entries.append((type, bytes.count..<bytes.count + value.count))
        bytes += value
    }

    mutating func add(_ type: CK_ATTRIBUTE_TYPE, _ flag: Bool) {
        add(type, [flag ? UInt8(CK_TRUE) : UInt8(CK_FALSE)])
    }

    /// A number of the platform's width and order.
    mutating func add(_ type: CK_ATTRIBUTE_TYPE, _ number: CK_ULONG) {
        add(type, (0..<MemoryLayout<CK_ULONG>.size).map { UInt8(truncatingIfNeeded: number.littleEndian >> ($0 * 8)) })
    }

    /// Calls `body` with the attributes, and with `value` as `CKA_VALUE` where there is one, which is not copied.
    func withAttributes(
        value: borrowing SecretBytes, _ body: (UnsafeMutablePointer<CK_ATTRIBUTE>?, CK_ULONG) -> CK_RV
    ) -> CK_RV {
        value.withBytes { value in
            unsafe value.withUnsafeBytes { value in
                unsafe withAttributes { attributes in
                    unsafe attributes.append(
                        CK_ATTRIBUTE(
                            type: CK_ATTRIBUTE_TYPE(CKA_VALUE), pValue: UnsafeMutableRawPointer(mutating: value.baseAddress),
                            ulValueLen: CK_ULONG(value.count)))
                    let count = unsafe CK_ULONG(attributes.count)
                    return unsafe body(&attributes, count)
                }
            }
        }
    }

    /// Calls `body` with the attributes.
    func withAttributes(_ body: (UnsafeMutablePointer<CK_ATTRIBUTE>?, CK_ULONG) -> CK_RV) -> CK_RV {
        unsafe withAttributes { attributes in
            let count = unsafe CK_ULONG(attributes.count)
            return unsafe body(&attributes, count)
        }
    }

    private func withAttributes(_ body: (inout [CK_ATTRIBUTE]) -> CK_RV) -> CK_RV {
        var bytes = bytes
        return unsafe bytes.withUnsafeMutableBytes { bytes in
            var attributes = unsafe entries.map { entry in
                unsafe CK_ATTRIBUTE(
                    type: entry.type, pValue: bytes.baseAddress.map { unsafe $0 + entry.range.lowerBound },
                    ulValueLen: CK_ULONG(entry.range.count))
            }
            return unsafe body(&attributes)
        }
    }
}

extension ObjectTemplate {
    /// What finds the key with this id; of one class, or of all.
    static func query(_ id: TokenKeyID, _ objectClass: CK_OBJECT_CLASS? = nil) -> ObjectTemplate {
        var template = ObjectTemplate()
        if let objectClass { template.add(CK_ATTRIBUTE_TYPE(CKA_CLASS), objectClass) }
        template.add(CK_ATTRIBUTE_TYPE(CKA_ID), id.bytes)
        template.add(CK_ATTRIBUTE_TYPE(CKA_TOKEN), true)
        return template
    }

    /// A private or secret key that stays in the token: neither its value nor a wrapped form of it comes out.
    static func lasting(_ kind: TokenKeyKind, as name: TokenKeyName) -> ObjectTemplate {
        var template = ObjectTemplate()
        template.add(CK_ATTRIBUTE_TYPE(CKA_CLASS), kind.objectClass)
        template.add(CK_ATTRIBUTE_TYPE(CKA_KEY_TYPE), kind.keyType)
        template.add(CK_ATTRIBUTE_TYPE(CKA_ID), name.id.bytes)
        template.add(CK_ATTRIBUTE_TYPE(CKA_LABEL), Array(name.label.utf8))
        template.add(CK_ATTRIBUTE_TYPE(CKA_TOKEN), true)
        template.add(CK_ATTRIBUTE_TYPE(CKA_PRIVATE), true)
        template.add(CK_ATTRIBUTE_TYPE(CKA_SENSITIVE), true)
        template.add(CK_ATTRIBUTE_TYPE(CKA_EXTRACTABLE), false)
        let uses: [Int] =
            switch kind {
            case .rsa: [Int(CKA_SIGN), Int(CKA_DECRYPT)]
            case .ec: [Int(CKA_SIGN)]
            case .aes: [Int(CKA_ENCRYPT), Int(CKA_DECRYPT), Int(CKA_WRAP), Int(CKA_UNWRAP)]
            }
        for use in uses { template.add(CK_ATTRIBUTE_TYPE(use), true) }
        return template
    }

    /// The public half of a new pair, which is read once and not kept.
    static func publicHalf(_ kind: TokenKeyKind) -> ObjectTemplate {
        var template = ObjectTemplate()
        template.add(CK_ATTRIBUTE_TYPE(CKA_TOKEN), false)
        template.add(CK_ATTRIBUTE_TYPE(CKA_VERIFY), true)
        switch kind {
        case .rsa(let bits):
            template.add(CK_ATTRIBUTE_TYPE(CKA_ENCRYPT), true)
            template.add(CK_ATTRIBUTE_TYPE(CKA_MODULUS_BITS), CK_ULONG(bits))
            template.add(CK_ATTRIBUTE_TYPE(CKA_PUBLIC_EXPONENT), [1, 0, 1])
        case .ec(let curve):
            template.add(CK_ATTRIBUTE_TYPE(CKA_EC_PARAMS), curve.parameters)
        case .aes: break
        }
        return template
    }

    /// A secret key of this session alone; only ``transient`` ones are made of bytes or give them back.
    static func transient(_ keyType: CK_KEY_TYPE, isExtractable: Bool, uses: [CK_ATTRIBUTE_TYPE] = []) -> ObjectTemplate {
        var template = ObjectTemplate()
        template.add(CK_ATTRIBUTE_TYPE(CKA_CLASS), CK_ULONG(CKO_SECRET_KEY))
        template.add(CK_ATTRIBUTE_TYPE(CKA_KEY_TYPE), CK_ULONG(keyType))
        template.add(CK_ATTRIBUTE_TYPE(CKA_TOKEN), false)
        template.add(CK_ATTRIBUTE_TYPE(CKA_PRIVATE), true)
        template.add(CK_ATTRIBUTE_TYPE(CKA_SENSITIVE), !isExtractable)
        template.add(CK_ATTRIBUTE_TYPE(CKA_EXTRACTABLE), isExtractable)
        for use in uses { template.add(use, true) }
        return template
    }
}

extension TokenKeyKind {
    var objectClass: CK_OBJECT_CLASS {
        switch self {
        case .rsa, .ec: CK_OBJECT_CLASS(CKO_PRIVATE_KEY)
        case .aes: CK_OBJECT_CLASS(CKO_SECRET_KEY)
        }
    }

    var keyType: CK_KEY_TYPE {
        switch self {
        case .rsa: CK_KEY_TYPE(CKK_RSA)
        case .ec: CK_KEY_TYPE(CKK_EC)
        case .aes: CK_KEY_TYPE(CKK_AES)
        }
    }
}

extension TokenCurve {
    /// The DER of the curve's object identifier (RFC 5480 section 2.1.1.1, SEC 2).
    var parameters: [UInt8] {
        switch self {
        case .p256: [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]
        case .p384: [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22]
        case .p521: [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23]
        case .p256K: [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a]
        }
    }
}
