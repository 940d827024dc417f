import CofferCore
@testable import CofferCrypto
import Testing

@Suite struct RSAWorkersTests {
    private static let keys = [2048, 2048, 3072, 2304].compactMap { try? RSAKey.generate(bits: $0) }

    @Test(arguments: [true, false], RSASignature.allCases)
    func manySignaturesAtOnceHold(usesBatches: Bool, scheme: RSASignature) async throws {
        let workers = RSAWorkers(name: "test", threads: 2, usesBatches: usesBatches)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for place in 0..<40 {
                group.addTask {
                    let key = Self.keys[place % Self.keys.count]
                    let digest = scheme.digest.hash([UInt8(place)])
                    let signature = try await workers.sign(digest: digest, using: scheme, with: key)
                    return try key.verify(signature, digest: digest, using: scheme)
                }
            }
            for try await holds in group { #expect(holds) }
        }
    }

    @Test(arguments: [true, false])
    func undigestedBytesAreSigned(usesBatches: Bool) async throws {
        let workers = RSAWorkers(name: "test", threads: 1, usesBatches: usesBatches)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for count in [1, 36, 100, 200, 245] {
                group.addTask {
                    let bytes = SecureRandom.bytes(count)
                    let signature = try await workers.sign(undigested: bytes, with: Self.keys[0])
                    return try signature == Self.keys[0].sign(undigested: bytes)
                }
            }
            for try await isSame in group { #expect(isSame) }
        }
    }

    @Test(arguments: [true, false], RSAEncryption.allCases)
    func manyPlaintextsAtOnceComeBack(usesBatches: Bool, scheme: RSAEncryption) async throws {
        let workers = RSAWorkers(name: "test", threads: 2, usesBatches: usesBatches)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for place in 0..<40 {
                group.addTask {
                    let key = Self.keys[place % Self.keys.count]
                    let plaintext = SecureRandom.bytes(place + 1)
                    let ciphertext = unsafe try key.encrypt(plaintext.span.bytes, using: scheme)
                    return try await workers.decrypt(ciphertext, using: scheme, with: key) { $0.revealed } == plaintext
                }
            }
            for try await isSame in group { #expect(isSame) }
        }
    }

    /// Whatever is wrong with a ciphertext, the refusal is one, and its neighbours in the batch are answered.
    @Test(arguments: [true, false])
    func badCiphertextsAreRefusedAlone(usesBatches: Bool) async throws {
        let workers = RSAWorkers(name: "test", threads: 1, usesBatches: usesBatches)
        let key = Self.keys[0]
        let plaintext = SecureRandom.bytes(32)
        let good = unsafe try key.encrypt(plaintext.span.bytes, using: .oaep256)
        var changed = good
        changed[200] ^= 1
        let ciphertexts = [good, changed, key.modulus, [UInt8](repeating: 0xff, count: 256), Array(good.dropLast()), [], good, good]
        let answers = await withTaskGroup(of: (Int, [UInt8]?, CryptoError?).self) { group in
            for (place, ciphertext) in ciphertexts.enumerated() {
                group.addTask {
                    do {
                        return (place, try await workers.decrypt(ciphertext, using: .oaep256, with: key) { $0.revealed }, nil)
                    } catch {
                        return (place, nil, error as? CryptoError)
                    }
                }
            }
            return await group.reduce(into: [Int: ([UInt8]?, CryptoError?)]()) { $0[$1.0] = ($1.1, $1.2) }
        }
        for place in ciphertexts.indices {
            let isGood = ciphertexts[place] == good
            #expect(answers[place]?.0 == (isGood ? plaintext : nil))
            #expect(answers[place]?.1 == (isGood ? nil : .authenticationFailed))
        }
    }

    @Test func wrongLengthsAreRefusedAsOpenSSLDoes() async throws {
        let workers = RSAWorkers(name: "test", threads: 1)
        let key = Self.keys[0]
        await #expect(throws: CryptoError.invalidLength) { try await workers.sign(digest: [1, 2, 3], using: .ps256, with: key) }
        await #expect(throws: CryptoError.invalidLength) { try await workers.sign(undigested: [], with: key) }
        await #expect(throws: CryptoError.invalidLength) {
            try await workers.sign(undigested: [UInt8](repeating: 1, count: 246), with: key)
        }
        let half = try RSAKey(publicModulus: key.modulus, exponent: key.exponent)
        await #expect(throws: CryptoError.invalidKey) {
            try await workers.sign(digest: [UInt8](repeating: 1, count: 32), using: .rs256, with: half)
        }
    }
}
