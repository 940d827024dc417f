import COpenSSL

extension DistinguishedName {
    /// Reads a name of a certificate, which stays its owner's.
    ///
    /// - Throws: ``CryptoError/invalidKey`` if it has a value that is not text.
    init(_ name: OpaquePointer?) throws(CryptoError) {
        var names: [[Attribute]] = []
        var set: Int32?
        for index in 0..<max(0, unsafe X509_NAME_entry_count(name)) {
            let entry = unsafe X509_NAME_get_entry(name, index)
            guard let type = unsafe ObjectIdentifierText.text(X509_NAME_ENTRY_get_object(entry)) else {
                throw .hiding(as: .invalidKey)
            }
            var text: UnsafeMutablePointer<UInt8>?
            let count = unsafe ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry))
            guard count >= 0, let start = unsafe text else { throw .hiding(as: .invalidKey) }
            defer { unsafe CRYPTO_free(start, nil, 0) }
            let value = unsafe String(decoding: UnsafeBufferPointer(start: start, count: Int(count)), as: UTF8.self)
            let attribute = Attribute(type: type, value: value)
            let rank = unsafe X509_NAME_ENTRY_set(entry)
            if rank == set, let last = names.indices.last {
                names[last].append(attribute)
            } else {
                names.append([attribute])
            }
            set = rank
        }
        relativeNames = names
    }

    /// Appends this name's attributes to `name`.
    ///
    /// - Throws: ``CryptoError/invalidLength`` for a value that its type does not take.
    func append(to name: OpaquePointer?) throws(CryptoError) {
        for attributes in relativeNames {
            for (index, attribute) in attributes.enumerated() {
                let type = unsafe try Owned(OBJ_txt2obj(attribute.type, 1), freedBy: ASN1_OBJECT_free, or: .invalidLength)
                let value = Array(attribute.value.utf8)
                guard let count = Int32(exactly: value.count) else { throw .invalidLength }
                // -1 joins an attribute to the one before it.
                let status = unsafe X509_NAME_add_entry_by_OBJ(
                    name, type.pointer, MBSTRING_UTF8, value, count, -1, index == 0 ? 0 : -1)
                try CryptoError.check(status, or: .invalidLength)
            }
        }
    }
}
