import COpenSSL

/// One connection over TLS on a blocking socket, which somebody else closes. One thread uses it at a time; another may shut the socket
/// down. The process must ignore SIGPIPE.
@safe
package final class TLSStream {
    /// What the other side showed.
    package let peer: Certificate
    private let tls: Owned

    /// Shakes hands.
    ///
    /// - Parameters:
    ///   - host: Of a client: the name or address that the server's certificate must have.
    ///   - timeout: In milliseconds.
    /// - Throws: ``CryptoError/openSSL(_:)`` with the reason if the other side is refused, refuses, or is too slow.
    package init(_ context: TLSContext, _ side: TLSContext.Side, socket: Int32, host: String? = nil, timeout: Int) throws(CryptoError) {
        ERR_clear_error()
        tls = unsafe try Owned(SSL_new(context.context.pointer), freedBy: SSL_free)
        try CryptoError.check(unsafe SSL_set_fd(tls.pointer, socket))
        if let host { try CryptoError.check(unsafe coffer_tls_expect(tls.pointer, host)) }
        switch side {
        case .server: unsafe SSL_set_accept_state(tls.pointer)
        case .client: unsafe SSL_set_connect_state(tls.pointer)
        }
        guard unsafe coffer_tls_handshake(tls.pointer, socket, timeout) == 1 else {
            guard ERR_peek_last_error() != 0 else { throw .openSSL("the other side ended the handshake or was too slow") }
            throw .fromOpenSSL()
        }
        peer = unsafe try Certificate(Owned(SSL_get1_peer_certificate(tls.pointer), freedBy: X509_free))
    }

    /// Waits for bytes and puts them into `buffer`.
    ///
    /// - Returns: How many, or 0 when no more will come.
    package func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        var count = 0
        // What has arrived already comes along, so that requests sent together are answered together.
        while count < buffer.count, count == 0 || hasMore {
            var got = 0
            guard unsafe SSL_read_ex(tls.pointer, buffer.baseAddress?.advanced(by: count), buffer.count - count, &got) == 1 else {
                ERR_clear_error()
                return count
            }
            count += got
        }
        return count
    }

    /// Whether bytes have arrived and are decrypted already.
    private var hasMore: Bool { unsafe SSL_pending(tls.pointer) > 0 }

    /// Sends all of `bytes`.
    ///
    /// - Returns: Whether the other side can still take them.
    package func send(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count > 0 else { return true }
        var put = 0
        if unsafe SSL_write_ex(tls.pointer, bytes.baseAddress, bytes.count, &put) == 1 { return true }
        ERR_clear_error()
        return false
    }

    /// Says good-bye, so that the other side knows that nothing was cut off.
    package func end() {
        _ = unsafe SSL_shutdown(tls.pointer)
        ERR_clear_error()
    }
}
