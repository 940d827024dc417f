import COpenSSL

/// An object of OpenSSL's that exactly one place owns, freed when that place is done.
@safe
struct Owned: ~Copyable {
    typealias Release = @convention(c) (OpaquePointer?) -> Void

    let pointer: OpaquePointer
    private let release: Release

    /// Takes ownership of what an OpenSSL constructor returned.
    ///
    /// - Throws: `error`, or OpenSSL's own where that is nil, if the constructor returned no object.
    init(_ pointer: OpaquePointer?, freedBy release: Release, or error: CryptoError? = nil) throws(CryptoError) {
        guard let pointer = unsafe pointer else { throw error.map(CryptoError.hiding) ?? .fromOpenSSL() }
        unsafe self.pointer = pointer
        unsafe self.release = release
    }

    deinit {
        unsafe release(pointer)
    }
}

// SAFETY: an owner is in one place; what shares one sees to it that one thread at a time uses it.
extension Owned: @unchecked Sendable {}
