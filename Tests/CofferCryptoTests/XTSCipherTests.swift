import CofferCore
import CofferCrypto
import CofferTesting
import Testing

@Suite struct XTSCipherTests {
    private func encrypted(_ bytes: [UInt8], first: UInt64, by cipher: XTSCipher) -> [UInt8] {
        var bytes = bytes
        unsafe bytes.withUnsafeMutableBytes { unsafe cipher.encrypt($0, first: first) }
        return bytes
    }

    private func decrypted(_ bytes: [UInt8], first: UInt64, by cipher: XTSCipher) -> [UInt8] {
        var bytes = bytes
        unsafe bytes.withUnsafeMutableBytes { unsafe cipher.decrypt($0, first: first) }
        return bytes
    }

    private static let engines = XTSEngine.allCases.filter(\.isAvailable)

    @Test(arguments: XTSVector.all, engines)
    func standardVectorIsMet(vector: XTSVector, engine: XTSEngine) throws {
        let cipher = try XTSCipher(key: SecretBytes(hex(XTSVector.key)), sectorSize: 512, engine: engine)
        let ciphertext = encrypted(XTSVector.plaintext, first: vector.unit, by: cipher)
        #expect(ciphertext == hex(vector.ciphertext), "vector \(vector.number)")
        #expect(decrypted(ciphertext, first: vector.unit, by: cipher) == XTSVector.plaintext)
    }

    /// Lengths, sizes, alignments and numbers at random; OpenSSL knows nothing of our arithmetic.
    @Test(arguments: engines)
    func everyEngineGivesOpenSSLsBytes(engine: XTSEngine) throws {
        var random = SeededRandom(seed: 41)
        for round in 0..<120 {
            let key = random.bytes(64)
            let size = [512, 1024, 4096, 8192][round % 4]
            let count = Int.random(in: 1...35, using: &random)
            let first = round % 5 == 0 ? UInt64.max - UInt64(count) / 2 : random.next()
            let skip = Int.random(in: 0..<70, using: &random)
            let plaintext = random.bytes(count * size)
            let ours = try XTSCipher(key: SecretBytes(key), sectorSize: size, engine: engine)
            let theirs = try XTSCipher(key: SecretBytes(key), sectorSize: size, engine: .openSSL)
            var memory = [UInt8](repeating: 0xA5, count: skip) + plaintext + [UInt8](repeating: 0xA5, count: 64)
            unsafe memory.withUnsafeMutableBytes { memory in
                unsafe ours.encrypt(UnsafeMutableRawBufferPointer(rebasing: memory[skip..<skip + count * size]), first: first)
            }
            #expect(Array(memory[skip..<skip + count * size]) == encrypted(plaintext, first: first, by: theirs))
            unsafe memory.withUnsafeMutableBytes { memory in
                unsafe ours.decrypt(UnsafeMutableRawBufferPointer(rebasing: memory[skip..<skip + count * size]), first: first)
            }
            #expect(memory == [UInt8](repeating: 0xA5, count: skip) + plaintext + [UInt8](repeating: 0xA5, count: 64))
        }
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func sectorsComeBackAndDependOnTheirNumberAlone(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let cipher = try XTSCipher(key: SecretBytes(random.bytes(64)))
        let count = Int.random(in: 1...9, using: &random)
        // Near the end of the numbers too, where a disk never reaches.
        let first = seed == 0 ? UInt64.max - 1 : random.next()
        let plaintext = random.bytes(count * 4096)
        let ciphertext = encrypted(plaintext, first: first, by: cipher)
        #expect(decrypted(ciphertext, first: first, by: cipher) == plaintext)
        for index in 0..<count {
            let range = index * 4096..<(index + 1) * 4096
            let alone = encrypted(Array(plaintext[range]), first: first &+ UInt64(index), by: cipher)
            #expect(alone == Array(ciphertext[range]), "sector \(index)")
        }
        #expect(decrypted(ciphertext, first: first &+ 1, by: cipher) != plaintext)
    }

    @Test func sameContentDiffersFromSectorToSectorAndKeyToKey() throws {
        let zeros = [UInt8](repeating: 0, count: 4096)
        var seen: Set<[UInt8]> = []
        for _ in 0..<4 {
            let cipher = try XTSCipher(key: SecureRandom.secret(64))
            for number in 0..<4 as Range<UInt64> { seen.insert(encrypted(zeros, first: number, by: cipher)) }
        }
        #expect(seen.count == 16)
    }

    @Test func noSectorsAreNoWork() throws {
        let cipher = try XTSCipher(key: SecureRandom.secret(64))
        #expect(encrypted([], first: 3, by: cipher) == [])
        unsafe cipher.decrypt(UnsafeMutableRawBufferPointer(start: nil, count: 0), first: 0)
    }

    @Test func changedBlockGarblesItselfAlone() throws {
        let cipher = try XTSCipher(key: SecureRandom.secret(64))
        let plaintext = [UInt8](repeating: 7, count: 4096)
        var ciphertext = encrypted(plaintext, first: 9, by: cipher)
        ciphertext[100] ^= 1
        let garbled = decrypted(ciphertext, first: 9, by: cipher)
        let changed = Set(garbled.indices.filter { garbled[$0] != 7 }.map { $0 / 16 })
        #expect(changed == [100 / 16])
    }

    @Test func keyWithEqualHalvesIsRefused() {
        let half = SecureRandom.bytes(32)
        #expect(refusal { _ = try XTSCipher(key: SecretBytes(half + half)) } == .invalidKey)
    }

    @Test(arguments: [0, 32, 63, 65, 128])
    func keyOfAnotherLengthIsRefused(count: Int) {
        #expect(refusal { _ = try XTSCipher(key: SecureRandom.secret(count)) } == .invalidKey)
    }

    @Test(arguments: [0, 8, 15, 17, 4095, (1 << 20) + 16, -16])
    func sectorOfAnotherSizeIsRefused(size: Int) {
        #expect(refusal { _ = try XTSCipher(key: SecureRandom.secret(64), sectorSize: size) } == .invalidLength)
    }
}
