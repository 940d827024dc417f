import CofferCore
@testable import CofferCrypto
import Testing

/// Batches are compared with OpenSSL, which does the same one by one. On a processor without AVX-512 IFMA there is nothing
/// to compare.
@Suite(.enabled(if: ECDSABatch.isAvailable)) struct ECDSABatchTests {
    private static let keys = (0..<8).compactMap { _ in try? ECKey.generate(on: .p256) }
    private static let zero = [UInt8](repeating: 0, count: 32)
    private static let largest = [UInt8](repeating: 0xff, count: 32)
    /// The order of P-256 (SP 800-186 section 3.2.1.3).
    private static let order = hex("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551")

    /// A pair of which the private number alone is given; OpenSSL computes the point (RFC 5915, in RFC 5958).
    private static func pair(_ scalar: [UInt8]) throws -> ECKey {
        try ECKey(pkcs8: SecretBytes(
            hex("3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420") + scalar))
    }

    private static func operation(_ key: ECKey, _ digest: [UInt8]) throws -> ECDSABatch.Operation {
        ECDSABatch.Operation(key: try #require(key.preparedForBatches), digest: digest)
    }

    /// a - b, where that is not negative.
    private static func difference(_ a: [UInt8], _ b: [UInt8]) -> [UInt8] {
        var result = a
        var borrow = 0
        for place in a.indices.reversed() {
            let digit = Int(a[place]) - Int(b[place]) - borrow
            borrow = digit < 0 ? 1 : 0
            result[place] = UInt8(truncatingIfNeeded: digit)
        }
        return result
    }

    private static func number(_ value: Int) -> [UInt8] {
        zero.dropLast(8) + (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * $0)) }
    }

    /// Ones at these bits, counted from the lowest.
    private static func ones(_ bits: Range<Int>) -> [UInt8] {
        var result = zero
        for bit in bits { result[31 - bit / 8] |= 1 << UInt8(bit % 8) }
        return result
    }

    /// The random bytes that make these nonces.
    private static func material(_ nonces: some Sequence<[UInt8]>) -> SecretBytes {
        SecretBytes(nonces.flatMap { [UInt8](repeating: 0, count: 8) + difference($0, number(1)) })
    }

    @Test(arguments: 1...8)
    func signaturesHold(count: Int) throws {
        for round in 0..<25 {
            let jobs = (0..<count).map { (key: Self.keys[($0 * 3 + round) % Self.keys.count], digest: SecureRandom.bytes(32)) }
            let signatures = ECDSABatch.run(try jobs.map { try Self.operation($0.key, $0.digest) })
            #expect(signatures.count == count)
            for (job, signature) in zip(jobs, signatures) {
                let signature = try #require(signature)
                #expect(try job.key.verify(signature, digest: job.digest, using: .es256))
                #expect(try !job.key.verify(signature, digest: Self.zero, using: .es256))
            }
        }
    }

    @Test func thousandsOfSignaturesHold() throws {
        for _ in 0..<500 {
            let digests = Self.keys.map { _ in SecureRandom.bytes(32) }
            let signatures = ECDSABatch.run(try zip(Self.keys, digests).map { try Self.operation($0, $1) })
            for (place, signature) in signatures.enumerated() {
                #expect(try Self.keys[place].verify(#require(signature), digest: digests[place], using: .es256))
            }
        }
    }

    @Test func noneIsMadeOfNone() {
        #expect(ECDSABatch.run([]).isEmpty)
    }

    @Test func keysAndDigestsAtTheEdges() throws {
        for scalar in [Self.number(1), Self.number(2), Self.difference(Self.order, Self.number(1))] {
            let key = try Self.pair(scalar)
            let digests = [
                Self.zero, Self.number(1), Self.difference(Self.order, Self.number(1)), Self.order,
                Self.difference(Self.largest, Self.number(1)), Self.largest,
            ]
            let signatures = ECDSABatch.run(try digests.map { try Self.operation(key, $0) })
            for (digest, signature) in zip(digests, signatures) {
                #expect(try key.verify(#require(signature), digest: digest, using: .es256))
            }
        }
    }

    /// RFC 6979 appendix A.2.5, "sample" and "test" with SHA-256, in all lanes.
    @Test func signaturesWithKnownNonces() throws {
        let key = try Self.pair(hex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721"))
        let vectors = [
            (
                "sample", "A6E3C57DD01ABE90086538398355DD4C3B17AA873382B0F24D6129493D8AAD60",
                "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
                "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"
            ),
            (
                "test", "D16B6AE827F17175E040871A1C7EC3500192C4C92677336EC2537ACAEE0008E0",
                "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
                "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083"
            ),
        ]
        let order = [0, 1, 1, 0, 1, 0, 0, 1].map { vectors[$0] }
        let signatures = ECDSABatch.run(
            try order.map { try Self.operation(key, DigestAlgorithm.sha256.hash(Array($0.0.utf8))) },
            nonces: Self.material(order.map { hex($0.1) }))
        #expect(signatures == order.map { hex($0.2 + $0.3) })
    }

    /// Small nonces, those near n and near n / 2, and runs of zeros and of ones of every length from every bit: where an
    /// addition met the same point, its negative or infinity, r would not be that of the nonce in s, and no key would hold
    /// the signature for its own.
    @Test func noncesAtTheEdges() throws {
        let half = hex("7FFFFFFF800000007FFFFFFFFFFFFFFFDE737D56D38BCF4279DCE5617E3192BC")
        var nonces = (1...70).map(Self.number)
        nonces += (0..<40).map { Self.difference(half, Self.number($0)) }
        for bit in 0..<256 {
            nonces += [1, 5, 6, 7, 11, 12, 13, 31, 60, 120, 254].filter { bit + $0 <= 255 }.map { Self.ones(bit..<bit + $0) }
            nonces += [Self.ones(bit..<min(256, bit + 2)), Self.ones(min(bit, 254)..<255)]
        }
        nonces += nonces.map { Self.difference(Self.order, $0) }
        for start in stride(from: 0, to: nonces.count, by: ECDSABatch.most) {
            let some = nonces[start..<min(nonces.count, start + ECDSABatch.most)]
            let digest = SecureRandom.bytes(32)
            let signatures = ECDSABatch.run(
                try some.indices.map { try Self.operation(Self.keys[$0 % Self.keys.count], digest) }, nonces: Self.material(some))
            for (place, signature) in zip(some.indices, signatures) {
                let signature = try #require(signature, "\(Hex.encode(nonces[place]))")
                let key = Self.keys[place % Self.keys.count]
                #expect(try key.verify(signature, digest: digest, using: .es256), "\(Hex.encode(nonces[place]))")
                // OpenSSL takes a millisecond for this, so it does not look at all. No x here is n or more.
                guard place % 10 == 0 else { continue }
                #expect(try Array(signature.prefix(32)) == Self.pair(nonces[place]).x, "\(Hex.encode(nonces[place]))")
            }
        }
    }

    /// 320 random bits become 1 more than their remainder by n - 1.
    @Test func noncesAreReduced() throws {
        let less = Self.difference(Self.order, Self.number(1))
        let high = [UInt8](repeating: 0, count: 7)
        let cases: [(material: [UInt8], nonce: [UInt8])] = [
            (high + [0] + less, Self.number(1)),
            (high + [0] + Self.difference(less, Self.number(1)), less),
            (high + [0] + Self.order, Self.number(2)),
            // 2^64 (n - 1), and 2^320 - 1, the latter's remainder computed with Python.
            (less + high + [0], Self.number(1)),
            ([UInt8](repeating: 0xff, count: 40), hex("FFFFFFFE00000001431905529C0166CD22159165B6FAAE71F756A572FC632550")),
        ]
        let signatures = ECDSABatch.run(
            try cases.map { _ in try Self.operation(Self.keys[0], Self.largest) }, nonces: SecretBytes(cases.flatMap(\.material)))
        for (expected, signature) in zip(cases, signatures) {
            #expect(try Array(#require(signature).prefix(32)) == Self.pair(expected.nonce).x)
        }
    }

    @Test func noSignatureComesTwice() throws {
        let operations = try (0..<8).map { _ in try Self.operation(Self.keys[0], Self.largest) }
        let signatures = ECDSABatch.run(operations) + ECDSABatch.run(operations)
        #expect(Set(signatures.compactMap { $0?.prefix(32) }).count == 16)
    }

    @Test func keysThatBatchesDoNotTake() throws {
        let key = Self.keys[0]
        #expect(try ECKey(curve: .p256, x: key.x, y: key.y).preparedForBatches == nil)
        for curve in EllipticCurve.allCases where curve != .p256 {
            #expect(try ECKey.generate(on: curve).preparedForBatches == nil)
        }
    }
}
