import CBatchRSA
import CofferCore

/// Private operations of several RSA keys at once, which together take little longer than one of them
/// (docs/design/0010-rsa-in-batches.md). For processors with AVX-512 IFMA, and keys of 2048, 3072 and 4096 bits whose
/// public exponent is 65537.
enum RSABatch {
    /// The most operations of one batch.
    static let most = Int(coffer_rsa_batch_most)
    static let isAvailable = coffer_rsa_batch_is_available() == 1

    /// Whether `key` can be prepared for batches.
    static func takes(_ key: RSAKey) -> Bool {
        isAvailable && coffer_rsa_batch_key_size(Int32(key.bits)) > 0 && key.isPrivate && key.exponent == [1, 0, 1]
    }

    /// A key prepared for batches.
    final class Key: Sendable {
        let bits: Int
        fileprivate let prepared: SecretBytes

        /// Takes about as long as one operation.
        ///
        /// - Returns: nil where batches do not take the key.
        init?(_ key: RSAKey) {
            guard takes(key), let prepared = try? Self.prepare(key) else { return nil }
            bits = key.bits
            self.prepared = prepared
        }

        private static func prepare(_ key: RSAKey) throws(CryptoError) -> SecretBytes {
            let secrets = unsafe try SecretNumber.read(
                "rsa-factor1", "rsa-factor2", "rsa-exponent1", "rsa-exponent2", "rsa-coefficient1", of: key.key,
                length: key.bits / 16)
            return try SecretBytes(count: coffer_rsa_batch_key_size(Int32(key.bits))) { (span: inout MutableRawSpan) throws(CryptoError) in
                let status = secrets.withBytes { secrets in
                    unsafe span.withUnsafeMutableBytes { target in
                        unsafe secrets.withUnsafeBytes { secrets in
                            unsafe coffer_rsa_batch_prepare(
                                Int32(key.bits), key.modulus, secrets.assumingMemoryBound(to: UInt8.self).baseAddress,
                                target.baseAddress)
                        }
                    }
                }
                guard status == 1 else { throw .invalidKey }
            }
        }
    }

    /// A block as long as the modulus, big-endian, to be raised to the private exponent: RSADP and RSASP1 (RFC 8017
    /// sections 5.1.2 and 5.2.1).
    struct Operation: Sendable {
        let key: Key
        let block: [UInt8]
    }

    /// Does up to ``most`` operations with keys of one size.
    ///
    /// - Parameter take: Called for each operation with its place and its result, as long as the modulus, or nil where
    ///   there is none: the block is not below the modulus, or the result was found wrong.
    static func run(_ operations: [Operation], _ take: (Int, RawSpan?) -> Void) {
        guard let bits = operations.first?.key.bits else { return }
        let length = bits / 8
        let workSize = coffer_rsa_batch_work_size(Int32(bits))
        precondition(
            operations.count <= most && operations.allSatisfy { $0.key.bits == bits && $0.block.count == length },
            "operations of one batch have keys of one size")
        _ = SecretBytes(count: workSize + most * length) { span in
            var good = [Bool](repeating: false, count: operations.count)
            unsafe span.withUnsafeMutableBytes { space in
                guard let work = space.baseAddress else { return }
                let results = unsafe (work + workSize).assumingMemoryBound(to: UInt8.self)
                var calls = unsafe operations.indices.map { place in
                    unsafe coffer_rsa_batch_operation(key: nil, block: nil, result: results + place * length, is_good: 0)
                }
                unsafe enter(operations[...], &calls, at: 0) { calls in
                    unsafe coffer_rsa_batch_run(Int32(bits), &calls, Int32(calls.count), work)
                }
                good = unsafe calls.map { unsafe $0.is_good == 1 }
            }
            for (place, isGood) in good.enumerated() {
                let start = workSize + place * length
                if isGood { take(place, span.bytes.extracting(start..<start + length)) } else { take(place, nil) }
            }
        }
    }

    /// Calls `body` where the addresses of all keys and blocks hold.
    private static func enter(
        _ operations: ArraySlice<Operation>, _ calls: inout [coffer_rsa_batch_operation], at place: Int,
        _ body: (inout [coffer_rsa_batch_operation]) -> Void
    ) {
        guard let operation = operations.first else { return unsafe body(&calls) }
        operation.key.prepared.withBytes { key in
            unsafe key.withUnsafeBytes { key in
                unsafe operation.block.withUnsafeBufferPointer { block in
                    unsafe calls[place].key = key.baseAddress
                    unsafe calls[place].block = block.baseAddress
                    unsafe enter(operations.dropFirst(), &calls, at: place + 1, body)
                }
            }
        }
    }
}
