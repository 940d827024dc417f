import CofferCore
import Testing

@Suite struct CalendarDurationTests {
    @Test(arguments: [
        ("P90D", 0, 90), ("P18M", 18, 0), ("P2Y", 24, 0), ("P1Y6M10D", 18, 10), ("P4W", 0, 28), ("p30d", 0, 30), ("P1Y0M", 12, 0),
    ])
    func durationsAreRead(text: String, months: Int64, days: Int64) throws {
        let duration = try #require(CalendarDuration(text))
        #expect(duration.months == months)
        #expect(duration.days == days)
        #expect(duration.text == text.uppercased())
    }

    @Test(arguments: [
        "", "P", "PD", "P1", "90D", "P90", "P-1D", "P1.5D", "P1D1M", "P1M1M", "PT1H", "P1DT1H", "P99999999D", "P1D ", "P１D",
        "P0000000000000000000000000000001D",
    ])
    func otherTextsAreNone(text: String) {
        #expect(CalendarDuration(text) == nil)
    }

    @Test func monthsEndWhereTheMonthEnds() throws {
        func day(_ year: Int64, _ month: Int64, _ day: Int64) -> Timestamp {
            Timestamp(seconds: CivilDate(year: year, month: month, day: day).daysSince1970 * 86_400 + 3661)
        }
        let month = try #require(CalendarDuration("P1M"))
        #expect(day(2027, 1, 31).adding(month) == day(2027, 2, 28))
        #expect(day(2028, 1, 31).adding(month) == day(2028, 2, 29))
        #expect(day(2027, 12, 15).adding(month) == day(2028, 1, 15))
        #expect(day(2028, 3, 31).subtracting(month) == day(2028, 2, 29))
        #expect(day(2028, 1, 15).subtracting(month) == day(2027, 12, 15))
        let mixed = try #require(CalendarDuration("P1Y1M1D"))
        #expect(day(2027, 1, 31).adding(mixed) == day(2028, 3, 1))
        #expect(day(1969, 12, 31).adding(try #require(CalendarDuration("P2D"))) == day(1970, 1, 2))
        #expect(Timestamp(milliseconds: .max).adding(mixed) == Timestamp(milliseconds: .max))
    }

    @Test func everyDayOfFourHundredYearsComesBack() {
        for days in Int64(-146_100)...146_100 {
            let date = CivilDate(daysSince1970: days)
            guard date.daysSince1970 == days, (1...date.daysInMonth).contains(date.day), (1...12).contains(date.month) else {
                Issue.record("\(days) became \(date)")
                return
            }
        }
    }
}
