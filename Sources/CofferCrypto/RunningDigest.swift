import COpenSSL

/// A digest of bytes that come in pieces.
package struct RunningDigest: ~Copyable {
    private let context: Owned
    private let length: Int

    /// - Throws: ``CryptoError`` if OpenSSL does not offer the algorithm.
    package init(_ algorithm: DigestAlgorithm) throws(CryptoError) {
        let handle = unsafe try algorithm.provider.handle()
        let context = unsafe try Owned(EVP_MD_CTX_new(), freedBy: EVP_MD_CTX_free)
        guard unsafe EVP_DigestInit_ex2(context.pointer, handle, nil) == 1 else { throw .fromOpenSSL() }
        self.context = context
        length = algorithm.length
    }

    /// Takes the next piece in.
    package mutating func update(_ piece: RawSpan) throws(CryptoError) {
        let status = unsafe piece.withUnsafeBytes { unsafe EVP_DigestUpdate(context.pointer, $0.baseAddress, $0.count) }
        guard status == 1 else { throw .fromOpenSSL() }
    }

    /// The digest of all pieces; there can be no more of them.
    package consuming func finish() throws(CryptoError) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: length)
        guard unsafe EVP_DigestFinal_ex(context.pointer, &digest, nil) == 1 else { throw .fromOpenSSL() }
        return digest
    }
}
