"""Prepared lessons: each a state of the page, and a sentence on what to look at, in English and in Korean."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Lesson:
    """One lesson.

    Attributes:
        name: Its name in the address.
        title: {language: title}.
        look: {language: what to look at}.
        state: The settings of its game, or games, as an address has them.
    """

    name: str
    title: dict[str, str]
    look: dict[str, str]
    state: str

    @property
    def fragment(self) -> str:
        """The whole state, which names the lesson."""
        return f"{self.state}&lesson={self.name}"


LINEAR = "objective=wasserstein&d_layers=0&g_layers=0&start=2.0&spread=1.0&d_optimizer=sgd&g_optimizer=sgd"
"""The bilinear game: D(x) = psi x + c and G(z) = w z + b, so that psi and b turn around one another."""
PLANE = "dimension=2&latent_size=2&start=0.0&spread=1.0"

LESSONS: dict[str, Lesson] = {
    lesson.name: lesson
    for lesson in (
        Lesson(
            "saturation",
            {"en": "Saturation", "ko": "포화"},
            {
                "en": "Both games begin alike, and D soon rejects every fake. In A the generator descends log(1 "
                "− D(G(z))), whose slope vanishes there: for 150 steps it hardly moves. In B it descends −log "
                "D(G(z)), and is nearly home by then. Compare the norms of G's gradient in the first 50 steps: "
                "A's leaps up and down, but at four steps of five it is below a tenth of B's, and at about half of "
                "the steps below a hundredth.",
                "ko": "두 게임은 똑같이 시작하고, D는 곧 모든 가짜를 거부합니다. A의 생성자는 log(1 − D(G(z)))를 "
                "줄이려 하지만 거기서는 기울기가 사라져 150단계 동안 거의 움직이지 못합니다. B의 생성자는 −log "
                "D(G(z))를 줄이며, 그사이 데이터에 거의 도착합니다. 처음 50단계에서 G의 기울기 크기를 비교하세요. "
                "A의 기울기는 크게 오르내리지만, 다섯 단계 중 넷에서 B의 10분의 1보다 작고, 절반쯤에서는 100분의 "
                "1보다도 작습니다.",
            },
            "start=4.0&spread=0.3&g_layers=0&g_optimizer=sgd&g_rate=0.02&d_rate=0.02&k=20&compare=1"
            "&b.objective=non_saturating",
        ),
        Lesson(
            "helvetica",
            {"en": "The Helvetica scenario", "ko": "헬베티카 시나리오"},
            {
                "en": "In A the discriminator stops learning at step 300, and the generator goes on alone: it "
                "sends more and more z to the few x that D likes best, as the arrows show, and JSD climbs. Both "
                "modes are still there; what is lost is the variety within each. In B both go on learning. Then "
                "set “learns until step” of A to 0, and watch D drive the heaps apart.",
                "ko": "A의 판별자는 300단계에서 학습을 멈추고, 그 뒤로는 생성자만 학습합니다. 화살표가 보여 주듯 "
                "생성자는 점점 더 많은 z를 D가 가장 좋아하는 몇 안 되는 x로 보내고, JSD가 올라갑니다. 두 모드는 "
                "그대로 있고, 사라지는 것은 각 모드 안의 다양성입니다. B에서는 둘 다 계속 학습합니다. 다 보았으면 "
                "A의 ‘학습하는 마지막 단계’를 0으로 바꾸고, D가 뭉친 표본을 흩어 놓는 것을 보세요.",
            },
            "data=two_gaussians&seed=2&start=0.0&spread=1.0&k=2&d_until=300&compare=1&b.d_until=0",
        ),
        Lesson(
            "small-k",
            {"en": "k too small", "ko": "너무 작은 k"},
            {
                "en": "Algorithm 1 wants D near its best, D*, the thin line. In A it makes one slow move a "
                "step and lags behind D*, so that G chases a shadow and JSD climbs again. In B it makes ten "
                "moves a step: D stays near D*, and JSD falls.",
                "ko": "알고리즘 1에서는 D가 가는 선으로 그린 최적의 판별자 D*에 가까워야 합니다. A의 D는 단계마다 "
                "느리게 한 번만 움직여 D*에 뒤처지고, G는 그림자를 쫓아 JSD가 다시 올라갑니다. B의 D는 단계마다 열 "
                "번 움직여 D* 가까이에 머물고, JSD가 줄어듭니다.",
            },
            "data=two_gaussians&objective=non_saturating&start=0.0&spread=1.0&d_rate=0.002&g_rate=0.004&d_optimizer=rmsprop"
            "&compare=1&b.k=10",
        ),
        Lesson(
            "cycling",
            {"en": "Cycling", "ko": "맴돌기"},
            {
                "en": "The smallest game: D is a straight line and G only shifts its noise. D's slope and p_g's "
                "place turn around one another without end; the fakes run past the data, back and past them "
                "again.",
                "ko": "가장 작은 게임입니다. D는 직선이고 G는 잡음을 옆으로 옮기기만 합니다. D의 기울기와 p_g의 "
                "위치가 서로의 둘레를 끝없이 맴돌며, 가짜는 데이터를 지나쳤다가 돌아와 다시 지나칩니다.",
            },
            f"{LINEAR}&d_rate=0.05&g_rate=0.05",
        ),
        Lesson(
            "r1-heals",
            {"en": "R1 heals", "ko": "R1의 안정화 효과"},
            {
                "en": "The game that cycles, twice. B adds R1, a penalty on the slope of D at the data: the "
                "turning is damped, p_g comes to rest on p_data, and D becomes flat.",
                "ko": "맴도는 게임 둘을 나란히 둡니다. B에는 데이터에서 D의 기울기에 주는 페널티 R1을 더했습니다. "
                "맴돌기가 잦아들고 p_g가 p_data 위에 멈추며 D는 평평해집니다.",
            },
            f"{LINEAR}&d_rate=0.05&g_rate=0.05&compare=1&b.r1=0.5",
        ),
        Lesson(
            "wgan",
            {"en": "Wasserstein", "ko": "바서슈타인"},
            {
                "en": "p_g begins far from p_data, and their JSD is near log 2 wherever it lies. In A a D that "
                "tells them apart surely has hardly any slope at the fakes. In B the critic keeps a slope of 1 to 3 "
                "between them, held by the gradient penalty, and G follows it home.",
                "ko": "p_g는 p_data에서 먼 곳에서 시작합니다. 그렇게 멀면 어디에 있든 JSD는 log 2에 가깝습니다. A의 "
                "D는 둘을 확실히 구별하므로, 가짜가 있는 곳에서 기울기가 거의 없습니다. B의 비평자는 기울기 페널티 "
                "덕분에 p_g와 p_data 사이에서 기울기를 1에서 3 사이로 유지하고, G는 그 기울기를 따라 데이터까지 "
                "갑니다.",
            },
            "start=3.5&spread=0.2&g_layers=0&d_rate=0.01&k=5&g_optimizer=sgd&g_rate=0.01&compare=1&b.objective=wasserstein"
            "&b.gradient_penalty=1.0",
        ),
        Lesson(
            "extragradient",
            {"en": "Extragradient", "ko": "엑스트라그레이디언트"},
            {
                "en": "The game that cycles, at twice the rate. In A both players move at once, and each turn "
                "leads further out. In B they first look one move ahead, then move by the gradients seen there: "
                "the same game spirals in.",
                "ko": "맴도는 게임을 두 배의 학습률로 합니다. A에서는 D와 G가 동시에 움직여, 한 바퀴 돌 때마다 더 "
                "멀어집니다. B에서는 먼저 한 수 앞을 본 뒤 거기서 구한 기울기로 움직입니다. 그러면 같은 게임이 "
                "안쪽으로 감겨 듭니다.",
            },
            f"{LINEAR}&d_rate=0.1&g_rate=0.1&algorithm=simultaneous&compare=1&b.algorithm=extragradient",
        ),
        Lesson(
            "mode-dropping",
            {"en": "Mode dropping", "ko": "모드 누락"},
            {
                "en": "Eight modes on a ring. The plain game in A leaves some of them out for long; count the "
                "modes under the picture. In B each fake is compared with a real sample, with R1 and R2, and all "
                "eight are soon there.",
                "ko": "고리 위에 모드가 여덟 개 있습니다. A의 기본 게임은 오랫동안 그중 몇 개를 빠뜨립니다. 그림 "
                "아래의 모드 수를 보세요. B는 가짜를 진짜와 짝지어 비교하고 R1과 R2를 더했습니다. 곧 여덟 개가 모두 "
                "나타납니다.",
            },
            f"{PLANE}&data=eight_gaussians&objective=non_saturating&d_rate=0.005&g_rate=0.002&compare=1"
            "&b.objective=relativistic&b.r1=0.1&b.r2=0.1",
        ),
    )
}
"""The lessons by name."""
