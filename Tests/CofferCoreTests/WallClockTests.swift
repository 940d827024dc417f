import CofferCore
import Foundation
import Testing

@Suite struct WallClockTests {
    private struct StoppedClock: WallClock {
        let moment: Timestamp
        func now() -> Timestamp { moment }
    }

    @Test func adjustableClockRunsAheadOfItsBase() {
        let clock = AdjustableClock(over: StoppedClock(moment: Timestamp(seconds: 100)))
        #expect(clock.now() == Timestamp(seconds: 100))
        clock.advance(by: .seconds(5))
        clock.advance(by: .milliseconds(500))
        #expect(clock.now() == Timestamp(milliseconds: 105_500))
    }

    @Test func timeDoesNotRunBackwards() {
        let clock = AdjustableClock(over: StoppedClock(moment: Timestamp(seconds: 100)))
        clock.advance(by: .seconds(5))
        clock.advance(by: .seconds(-3))
        #expect(clock.now() == Timestamp(seconds: 105))
    }

    @Test func systemClockTellsTheTimeOfTheMachine() {
        let before = Date().timeIntervalSince1970
        let now = SystemClock().now()
        let after = Date().timeIntervalSince1970
        #expect(Double(now.milliseconds) / 1000 >= before - 0.001)
        #expect(Double(now.milliseconds) / 1000 <= after)
    }
}
