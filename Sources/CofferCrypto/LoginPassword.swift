import CCrypt
package import CofferCore
import Glibc

/// A password that somebody signs in to an operating system with: hashed as its `/etc/shadow` has it, by crypt(5) with yescrypt.
package enum LoginPassword {
    /// Makes a hash with a salt of its own. Takes about 50 milliseconds.
    ///
    /// - Returns: nil if the password has a NUL, or the system's library has no yescrypt.
    package static func hash(_ password: borrowing SecretBytes) -> String? {
        var setting = [CChar](repeating: 0, count: Int(CRYPT_GENSALT_OUTPUT_SIZE))
        // Without random bytes given, the library takes the kernel's.
        let made = unsafe setting.withUnsafeMutableBufferPointer { place in
            unsafe crypt_gensalt_rn("$y$", 0, nil, 0, place.baseAddress, Int32(place.count)) != nil
        }
        guard made else { return nil }
        return crypt(password, setting)
    }

    /// Whether a hash is of this password.
    package static func matches(_ password: borrowing SecretBytes, _ hash: String) -> Bool {
        guard let again = crypt(password, Array(hash.utf8.map(CChar.init(bitPattern:))) + [0]) else { return false }
        return ConstantTime.equal(Array(again.utf8), Array(hash.utf8))
    }

    /// - Parameter setting: The method and salt, with a NUL at the end.
    private static func crypt(_ password: borrowing SecretBytes, _ setting: [CChar]) -> String? {
        var phrase = password.withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
        guard !phrase.contains(0) else { return nil }
        phrase.append(0)
        // What the library works on holds the password too: it is wiped as the phrase is.
        let size = MemoryLayout<crypt_data>.size
        let work = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: MemoryLayout<crypt_data>.alignment)
        unsafe work.initializeMemory(as: UInt8.self, repeating: 0, count: size)
        defer {
            _ = SecretBytes(wiping: &phrase)
            unsafe explicit_bzero(work, size)
            unsafe work.deallocate()
        }
        return unsafe phrase.withUnsafeBytes { phrase -> String? in
            guard let text = unsafe phrase.baseAddress?.assumingMemoryBound(to: CChar.self),
                let hash = unsafe crypt_rn(text, setting, work, Int32(size))
            else { return nil }
            return unsafe String(cString: hash)
        }
    }
}
