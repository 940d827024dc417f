import CBatchECDSA
import CofferCore

/// Signatures of several P-256 keys at once (ECDSA, FIPS 186-5), which together take about as long as one of them by
/// OpenSSL. For processors with AVX-512 IFMA.
enum ECDSABatch {
    /// The most signatures of one batch.
    static let most = Int(coffer_ecdsa_batch_most)
    static let isAvailable = coffer_ecdsa_batch_is_available() == 1

    private static let numberLength = Int(coffer_ecdsa_batch_number)
    private static let nonceLength = Int(coffer_ecdsa_batch_nonce)
    private static let signatureLength = Int(coffer_ecdsa_batch_signature)

    /// Whether `key` can be prepared for batches.
    static func takes(_ key: ECKey) -> Bool {
        isAvailable && key.isPrivate && key.curve == .p256
    }

    /// A key prepared for batches.
    final class Key: Sendable {
        fileprivate let scalar: SecretBytes

        /// - Returns: nil where batches do not take the key.
        init?(_ key: ECKey) {
            guard takes(key), let scalar = try? key.scalar() else { return nil }
            self.scalar = scalar
        }
    }

    /// A digest of 32 bytes that is to be signed.
    struct Operation: Sendable {
        let key: Key
        let digest: [UInt8]
    }

    /// Makes up to ``most`` signatures, each with a new nonce.
    ///
    /// - Returns: For each operation r and s, each big-endian in 32 bytes, or nil where there is no signature: its key is
    ///   not from 1 to n - 1, or the signature was found wrong.
    static func run(_ operations: [Operation]) -> [[UInt8]?] {
        guard !operations.isEmpty else { return [] }
        let nonces = SecureRandom.secret(operations.count * nonceLength)
        return run(operations, nonces: nonces)
    }

    /// The same with nonces that tests know. Whoever else knows one has the key.
    ///
    /// - Parameter nonces: 40 bytes for each operation, of which 1 more than the remainder by n - 1 is the nonce.
    static func run(_ operations: [Operation], nonces: borrowing SecretBytes) -> [[UInt8]?] {
        precondition(
            isAvailable && operations.count <= most && nonces.count == operations.count * nonceLength
                && operations.allSatisfy { $0.digest.count == numberLength && $0.key.scalar.count == numberLength },
            "a batch has at most eight digests of 32 bytes")
        guard !operations.isEmpty else { return [] }
        var signatures = [UInt8](repeating: 0, count: operations.count * signatureLength)
        var good = [Bool](repeating: false, count: operations.count)
        _ = SecretBytes(count: coffer_ecdsa_batch_work_size()) { span in
            unsafe span.withUnsafeMutableBytes { work in
                unsafe signatures.withUnsafeMutableBufferPointer { signatures in
                    nonces.withBytes { nonces in
                        unsafe nonces.withUnsafeBytes { nonces in
                            let nonce = unsafe nonces.assumingMemoryBound(to: UInt8.self).baseAddress
                            let signature = signatures.baseAddress
                            var calls = unsafe operations.indices.map { place in
                                unsafe coffer_ecdsa_batch_operation(
                                    key: nil, digest: nil, nonce: nonce.map { unsafe $0 + place * nonceLength },
                                    signature: signature.map { unsafe $0 + place * signatureLength }, is_good: 0)
                            }
                            unsafe enter(operations[...], &calls, at: 0) { calls in
                                unsafe coffer_ecdsa_batch_sign(&calls, Int32(calls.count), work.baseAddress)
                            }
                            good = unsafe calls.map { unsafe $0.is_good == 1 }
                        }
                    }
                }
            }
        }
        return good.enumerated().map { place, isGood in
            isGood ? Array(signatures[place * signatureLength..<(place + 1) * signatureLength]) : nil
        }
    }

    /// Calls `body` where the addresses of all keys and digests hold.
    private static func enter(
        _ operations: ArraySlice<Operation>, _ calls: inout [coffer_ecdsa_batch_operation], at place: Int,
        _ body: (inout [coffer_ecdsa_batch_operation]) -> Void
    ) {
        guard let operation = operations.first else { return unsafe body(&calls) }
        operation.key.scalar.withBytes { key in
            unsafe key.withUnsafeBytes { key in
                unsafe operation.digest.withUnsafeBufferPointer { digest in
                    unsafe calls[place].key = key.assumingMemoryBound(to: UInt8.self).baseAddress
                    unsafe calls[place].digest = digest.baseAddress
                    unsafe enter(operations.dropFirst(), &calls, at: place + 1, body)
                }
            }
        }
    }
}
