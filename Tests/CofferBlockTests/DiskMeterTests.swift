import CofferModel
import Testing

@testable import CofferBlock

@Suite("What a disk's clients do is counted and limited")
struct DiskMeterTests {
    private let second: UInt64 = 1_000_000_000

    @Test("Each kind is counted for itself, over sessions that run and that have ended")
    func counts() throws {
        let meter = DiskMeter()
        let (first, second) = (meter.begin(), meter.begin())
        let start = try #require(first.begin(4096))
        first.end(.read, 4096, since: start, failed: false)
        first.end(.read, 512, since: start, failed: true)
        second.end(.write, 8192, since: start, failed: false)
        second.end(.clear, 1 << 30, since: start, failed: false)
        meter.end(first)
        meter.end(first)
        second.end(.read, 1, since: start, failed: false)
        let found = meter.statistics
        #expect(found.operations.map(\.kind) == [.read, .write, .flush, .clear])
        #expect(found.operations.map(\.count) == [3, 1, 0, 1])
        #expect(found.operations.map(\.byteCount) == [4609, 8192, 0, 1 << 30])
        #expect(found.operations.map(\.errorCount) == [1, 0, 0, 0])
        #expect(found.operations.map { $0.histogram.reduce(0, +) } == [3, 1, 0, 1])
        #expect(found.operations[0].nanoseconds > 0)
        #expect(found.delayedCount == 0 && found.limits == .none)
    }

    @Test("A time is in the bucket that it stays below", arguments: [
        (0, 0), (999, 0), (1000, 1), (1999, 1), (2000, 2), (3999, 2), (4000, 3), (4_194_303_999, 22), (4_194_304_000, 23), (.max, 23),
    ] as [(UInt64, Int)])
    func buckets(nanoseconds: UInt64, bucket: Int) {
        #expect(OperationStatistics.bucket(nanoseconds: nanoseconds) == bucket)
    }

    @Test("Shares of a histogram are told by the ends of its buckets")
    func shares() {
        func operations(_ histogram: [UInt64]) -> OperationStatistics {
            OperationStatistics(kind: .read, count: 0, byteCount: 0, errorCount: 0, nanoseconds: 0, histogram: histogram)
        }
        #expect(operations([0, 50, 0, 49, 1]).microseconds(below: 0.5) == 2)
        #expect(operations([0, 50, 0, 49, 1]).microseconds(below: 0.99) == 8)
        #expect(operations([0, 50, 0, 49, 1]).microseconds(below: 0.999) == nil)
        #expect(operations([0, 0, 0]).microseconds(below: 0.5) == nil)
    }

    @Test("Without limits everything begins at once")
    func noLimits() {
        let limiter = RateLimiter()
        for _ in 0..<1000 { #expect(limiter.reserve(1 << 30, at: 5) == 5) }
    }

    @Test("Operations begin one share after the other, and catch up with 100 ms")
    func operationsPerSecond() {
        let limiter = RateLimiter()
        limiter.set(DiskLimits(operationsPerSecond: 100, bytesPerSecond: nil))
        let begun = (0..<20).map { _ in limiter.reserve(1 << 20, at: 10 * second) }
        // 100 ms are ten operations, and that of now.
        #expect(begun.prefix(11).allSatisfy { $0 == 10 * second })
        #expect(Array(begun.suffix(9)) == (1...9).map { 10 * second + UInt64($0) * 10_000_000 })
        #expect(limiter.reserve(0, at: 100 * second) == 100 * second)
    }

    @Test("In any second there are as many bytes as the limit says, and what the burst allows", arguments: [1, 60, 900])
    func bytesPerSecond(megabytes: UInt64) {
        let limiter = RateLimiter()
        limiter.set(DiskLimits(operationsPerSecond: nil, bytesPerSecond: megabytes * 1_000_000))
        var now = 10 * second
        var moved: UInt64 = 0
        while true {
            now = limiter.reserve(65536, at: now)
            guard now < 20 * second else { break }
            moved += 65536
        }
        let most = megabytes * 1_000_000 * 101 / 10 + 65536
        #expect(moved <= most && moved >= most * 98 / 100 - 2 * 65536)
    }

    @Test("Numbers at the edge do no harm")
    func edges() {
        let limiter = RateLimiter()
        for limits in [DiskLimits(operationsPerSecond: 0, bytesPerSecond: 0), DiskLimits(operationsPerSecond: .max, bytesPerSecond: .max), DiskLimits(operationsPerSecond: 1, bytesPerSecond: 1)] {
            limiter.set(limits)
            for now in [0, 1, second] { _ = limiter.reserve(UInt64(UInt32.max), at: now) }
        }
        limiter.set(.none)
        #expect(limiter.limits == .none)
        #expect(limiter.reserve(1, at: 7) == 7)
    }

    @Test("Whoever waits goes on when the limits are lifted, and the wait is counted")
    func lifted() async throws {
        let meter = DiskMeter()
        let session = meter.begin()
        meter.limiter.set(DiskLimits(operationsPerSecond: nil, bytesPerSecond: 1))
        // An hour is taken at once, and what comes next would wait for its end.
        #expect(session.begin(3_600_000) != nil)
        #expect(session.begin(1000, beforeWaiting: { false }) == nil)
        let waiting = Task.detached { session.begin(1000) }
        // Whether it waits already or not, it ends.
        meter.limiter.set(.none)
        #expect(await waiting.value != nil)
        #expect(meter.statistics.delayedCount <= 1)
    }

    @Test("The waits that a limit makes are counted")
    func waits() throws {
        let meter = DiskMeter()
        let session = meter.begin()
        meter.limiter.set(DiskLimits(operationsPerSecond: 1000, bytesPerSecond: nil))
        var waited: UInt64 = 0
        for _ in 0..<130 {
            _ = session.begin(0, beforeWaiting: {
                waited += 1
                return true
            })
        }
        #expect(meter.statistics.delayedCount == waited && waited > 0)
        #expect(meter.statistics.delayedNanoseconds > 0)
    }
}
