import CofferCore
import CofferTesting
import Foundation
import Testing

@Suite struct TimestampTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (951_782_399_999, "2000-02-28T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (951_868_800_000, "2000-03-01T00:00:00.000Z"),
        (1_000_000_000_000, "2001-09-09T01:46:40.000Z"),
        (2_147_483_648_000, "2038-01-19T03:14:08.000Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        (-2_208_988_800_000, "1900-01-01T00:00:00.000Z"),
        (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ] as [(Int64, String)])
    func knownMomentIsWrittenAsRFC3339(milliseconds: Int64, text: String) {
        #expect(Timestamp(milliseconds: milliseconds).description == text)
    }

    @Test(arguments: 0..<64 as Range<UInt64>)
    func anyMomentOfTheCommonEraAgreesWithFoundation(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        // From 1600 on, for Foundation counts as the Julian calendar did before 1582.
        let seconds = Int64.random(in: -11_676_096_000...253_402_300_799, using: &random)
        let text = Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
        #expect(Timestamp(seconds: seconds).description == text.replacing("Z", with: ".000Z"))
    }

    @Test func secondsAreRoundedDown() {
        #expect(Timestamp(milliseconds: 1999).seconds == 1)
        #expect(Timestamp(milliseconds: -1).seconds == -1)
        #expect(Timestamp(milliseconds: -1000).seconds == -1)
        #expect(Timestamp(milliseconds: -1001).seconds == -2)
        #expect(Timestamp(seconds: -5).seconds == -5)
    }

    @Test func addingMovesByWholeMilliseconds() {
        let start = Timestamp(milliseconds: 1_500)
        #expect(start.adding(.milliseconds(250)) == Timestamp(milliseconds: 1_750))
        #expect(start.adding(.milliseconds(-2_250)) == Timestamp(milliseconds: -750))
        #expect(start.adding(.microseconds(999)) == start)
        #expect(start.adding(.seconds(86_400)).seconds == 86_401)
        #expect(start < start.adding(.milliseconds(1)))
    }

    /// These stopped the program before: moments that come from outside may be of any size.
    @Test func momentsBeyondTheEndsStopThere() {
        let first = Timestamp(milliseconds: .min)
        let last = Timestamp(milliseconds: .max)
        #expect(Timestamp(seconds: .max) == last)
        #expect(Timestamp(seconds: .min) == first)
        #expect(last.adding(.milliseconds(1)) == last)
        #expect(last.adding(.seconds(Int64.max)) == last)
        #expect(first.adding(.milliseconds(-1)) == first)
        #expect(first.adding(.seconds(Int64.min)) == first)
        #expect(first.seconds == -9_223_372_036_854_776)
        #expect(last.description == "292278994-08-17T07:12:55.807Z")
        #expect(first.description.hasSuffix("T16:47:04.192Z"))
    }

    @Test func jsonIsTheMilliseconds() throws {
        let moments = [Timestamp(milliseconds: 0), Timestamp(milliseconds: 1_795_435_200_123), Timestamp(milliseconds: -1)]
        let json = try JSONEncoder().encode(moments)
        #expect(String(decoding: json, as: UTF8.self) == "[0,1795435200123,-1]")
        #expect(try JSONDecoder().decode([Timestamp].self, from: json) == moments)
    }
}
