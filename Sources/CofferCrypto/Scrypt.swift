import COpenSSL
package import CofferCore

/// Derivation of a key from what a person remembers (RFC 7914): slow and hungry for memory, so that guessing is dear.
package enum Scrypt {
    /// What a derivation costs: about 128 · `blockSize` · `cost` bytes of memory, `parallelism` times one after another.
    package struct Cost: Codable, Equatable, Sendable {
        /// N, a power of two.
        package let cost: UInt64
        /// r.
        package let blockSize: UInt64
        /// p.
        package let parallelism: UInt64

        package init(cost: UInt64, blockSize: UInt64, parallelism: UInt64) {
            self.cost = cost
            self.blockSize = blockSize
            self.parallelism = parallelism
        }

        /// 32 MiB and some tenths of a second.
        package static let standard = Cost(cost: 1 << 15, blockSize: 8, parallelism: 3)
    }

    /// No derivation may take more memory than this, in bytes, whatever a record says.
    private static let memoryLimit: UInt64 = 256 << 20

    /// - Throws: ``CryptoError/invalidLength`` for a cost that is none or too high, or a `count` that is not positive.
    package static func deriveKey(
        from password: borrowing SecretBytes, salt: [UInt8], cost: Cost, count: Int
    ) throws(CryptoError) -> SecretBytes {
        guard count > 0, cost.cost > 1, cost.cost & (cost.cost - 1) == 0, (1...64).contains(cost.blockSize), (1...16).contains(cost.parallelism),
            cost.cost <= memoryLimit / (128 * cost.blockSize)
        else { throw .invalidLength }
        return try password.withBytes { (password: RawSpan) throws(CryptoError) in
            try SecretBytes(count: count) { (span: inout MutableRawSpan) throws(CryptoError) in
                let status = unsafe password.withUnsafeBytes { password in
                    unsafe span.withUnsafeMutableBytes { target in
                        unsafe EVP_PBE_scrypt(
                            password.assumingMemoryBound(to: CChar.self).baseAddress, password.count, salt, salt.count, cost.cost,
                            cost.blockSize, cost.parallelism, memoryLimit + (1 << 20),
                            target.assumingMemoryBound(to: UInt8.self).baseAddress, target.count)
                    }
                }
                try CryptoError.check(status)
            }
        }
    }
}
