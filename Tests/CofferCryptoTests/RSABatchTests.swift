import CofferCore
@testable import CofferCrypto
import Testing

/// Batches are compared with OpenSSL, which does the same operations one by one. On a processor without AVX-512 IFMA
/// there is nothing to compare, and ``RSAWorkersTests`` shows that everything works all the same.
@Suite(.enabled(if: RSABatch.isAvailable)) struct RSABatchTests {
    /// Keys of each size, made once: four of the size that is used most.
    private static let keys: [Int: [RSAKey]] = [
        2048: (0..<4).compactMap { _ in try? RSAKey.generate(bits: 2048) },
        3072: (0..<2).compactMap { _ in try? RSAKey.generate(bits: 3072) },
        4096: (0..<1).compactMap { _ in try? RSAKey.generate(bits: 4096) },
    ]

    private static func run(_ operations: [RSABatch.Operation]) -> [[UInt8]?] {
        var results = [[UInt8]?](repeating: nil, count: operations.count)
        RSABatch.run(operations) { place, result in
            if let result { results[place] = unsafe result.withUnsafeBytes { unsafe Array($0) } }
        }
        return results
    }

    @Test(arguments: [2048, 3072, 4096], 1...4)
    func signaturesAreThoseOfOpenSSL(bits: Int, count: Int) throws {
        let keys = try #require(Self.keys[bits])
        for _ in 0..<(bits == 2048 ? 25 : 3) {
            let jobs = (0..<count).map { (key: keys[$0 % keys.count], digest: SecureRandom.bytes(32)) }
            let results = Self.run(
                try jobs.map {
                    RSABatch.Operation(
                        key: try #require($0.key.preparedForBatches), block: try RSAEncoding.block(of: $0.digest, .rs256, bits: bits))
                })
            for (job, result) in zip(jobs, results) {
                #expect(try result == job.key.sign(digest: job.digest, using: .rs256))
            }
        }
    }

    /// What a private operation gives goes back to the block by the public one, whatever the block is.
    @Test(arguments: [2048, 3072, 4096])
    func blocksAtTheEdgesComeBack(bits: Int) throws {
        let key = try #require(Self.keys[bits]?.first)
        let prepared = try #require(key.preparedForBatches)
        let length = bits / 8
        var last = key.modulus
        last[length - 1] -= 1
        let zero = [UInt8](repeating: 0, count: length)
        let one = Array(zero.dropLast()) + [1]
        let results = Self.run([zero, one, last].map { RSABatch.Operation(key: prepared, block: $0) })
        #expect(results == [zero, one, last])
    }

    @Test func blockThatIsNotBelowTheModulusIsRefusedAlone() throws {
        let key = try #require(Self.keys[2048]?.first)
        let prepared = try #require(key.preparedForBatches)
        let digest = SecureRandom.bytes(32)
        let good = try RSAEncoding.block(of: digest, .rs256, bits: 2048)
        let results = Self.run(
            [key.modulus, good, [UInt8](repeating: 0xff, count: 256)].map { RSABatch.Operation(key: prepared, block: $0) })
        #expect(results[0] == nil)
        #expect(try results[1] == key.sign(digest: digest, using: .rs256))
        #expect(results[2] == nil)
    }

    @Test func keysThatBatchesDoNotTake() throws {
        #expect(try RSAKey.generate(bits: 2048, exponent: 3).preparedForBatches == nil)
        #expect(try RSAKey.generate(bits: 2304).preparedForBatches == nil)
        let pair = try #require(Self.keys[2048]?.first)
        #expect(try RSAKey(publicModulus: pair.modulus, exponent: pair.exponent).preparedForBatches == nil)
    }
}
