// modules: CofferCore CofferCrypto
import CofferCore
import CofferCrypto

/// Sectors of any content, number, size and alignment through every engine: all give OpenSSL's bytes and touch no others.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    guard input.count >= 76 else { return 0 }
    var key = Array(input[..<64])
    let first = input[64..<72].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    let size = 512 << Int(input[72] % 4)
    let skip = Int(input[73] % 67)
    let isEncryption = input[74] % 2 == 0
    let content = Array(input[76...])
    // Content that fills a part of a sector is repeated to whole ones.
    let sectors = max(1, min(20, content.count / size + Int(input[75] % 3)))
    let plaintext = (0..<sectors * size).map { content.isEmpty ? UInt8(truncatingIfNeeded: $0) : content[$0 % content.count] }
    let secret = SecretBytes(wiping: &key)
    var answer: [UInt8]?
    for engine in XTSEngine.allCases where engine.isAvailable {
        guard let cipher = try? XTSCipher(key: secret, sectorSize: size, engine: engine) else { return 0 }
        var memory = [UInt8](repeating: 0x5A, count: skip) + plaintext + [UInt8](repeating: 0x5A, count: 64)
        memory.withUnsafeMutableBytes { memory in
            let target = UnsafeMutableRawBufferPointer(rebasing: memory[skip..<skip + plaintext.count])
            if isEncryption { cipher.encrypt(target, first: first) } else { cipher.decrypt(target, first: first) }
        }
        precondition(answer == nil || answer == memory, "\(engine.rawValue) differs from OpenSSL")
        answer = answer ?? memory
    }
    return 0
}
