// Words of the page, in English and in Korean.
export const TEXTS = {
  en: {
    play: "Play", pause: "Pause", restart: "Begin anew", step_d: "D moves", step_g: "G moves", step: "Step", slow: "Slow motion", compare: "Side by side", speed: "Speed",
    fastest: "fastest", per_second: "steps/s", lessons: "Lessons", look: "Look at", own: "Close the lesson", link: "Link", copied: "The link is copied. It opens in this browser while the command runs. To others give the command.", give: "Command", given: "The command is copied. Whoever runs it opens this game, seed included.", replay: "Replay", help: "Help",
    language: "한국어", game: "Game", now: "step", algorithm: "Algorithm", back: "one picture back", forth: "one picture forth", hide: "Controls for pupils",
    hide_about: "What is not ticked is hidden, in the link as well: so a teacher gives away a lesson with few controls. To see a control again, tick it here.",
    close: "Close", restarts: "begins anew", drawing: "Draw", clear: "Clear", draw_line: "Drag to draw a histogram of the data.", draw_plane: "Click or drag to put points of the data.",
    real: "data p_data", fake: "generator p_g", D: "D(x)", best: "D* = p_data / (p_data + p_g)", arrows1: "z → x", discs: "real x", diamonds: "fake G(z)", heat: "D(x)", grid: "grid of z", arrows2: "G's gradient",
    jsd: "JSD, nats", value: "V(D, G)", score_real: "D(x)", score_fake: "D(G(z))", moves: "moves of D, G", modes: "modes", gradient_g: "G's gradient", gradient_d: "D's gradient",
    chart_value: "Value V(D, G)", chart_jsd: "JSD(p_data ‖ p_g)", chart_scores: "What D says", chart_gradients: "Norm of the gradients",
    offline: "The server is gone. Start advnets play again.", theme: "dark or light",
    about: "Two networks play a game. The generator G turns noise z into samples; the discriminator D tells them from data. On the line you see the densities of both and the best D there can be; in the plane, D as a map, samples, and where each is drawn to.",
    keys: { "space": "play or pause", "d": "one move of D", "g": "one move of G", "s": "one step of the algorithm", "m": "slow motion", "r": "begin anew, with the same seed", "c": "two games side by side", "← →": "scrub through the past", "?": "this help" },
    groups: { data: "Data", algorithm: "Algorithm and objective", discriminator: "Discriminator D", generator: "Generator G", noise: "Noise, average, packs", penalties: "What binds D" },
    controls: {
      dimension: "Dimensions of x", data: "Distribution", batch: "Batch m", seed: "Seed", algorithm: "Order of moves", k: "D's moves a step, k", objective: "Objective", r1: "R1 weight", r2: "R2 weight",
      gradient_penalty: "Gradient penalty", r1_finite: "R1, finite differences", r2_finite: "R2, finite differences", clip: "Clip weights at", d_layers: "Layers", d_width: "Width", d_optimizer: "Optimizer", d_rate: "Rate", d_until: "Learns until step (0: always)",
      g_layers: "Layers", g_width: "Width", g_optimizer: "Optimizer", g_rate: "Rate", activation: "Activation of both", start: "p_g begins at", spread: "p_g begins as wide as", latent: "Kind of noise z", latent_size: "Coordinates of z",
      instance_noise: "Noise on D's input", average: "Average, half-life", pack: "Samples a pack",
    },
    options: {
      gaussian: "Gaussian", two_gaussians: "2 Gaussians", uniform: "uniform", drawn: "by hand", line: "line", eight_gaussians: "8 Gaussians", ring: "ring", grid: "grid of 25", spirals: "spirals",
      algorithm1: "Algorithm 1", simultaneous: "simultaneous", extragradient: "extragradient", minimax: "minimax", non_saturating: "non-saturating", non_saturating_halved: "non-sat., D halved", least_squares: "least squares", wasserstein: "Wasserstein", hinge: "hinge", relativistic: "relativistic",
      sgd: "SGD", momentum: "momentum", adam: "Adam", rmsprop: "RMSprop", tanh: "tanh", relu: "ReLU", leaky_relu: "leaky ReLU",
    },
  },
  ko: {
    play: "재생", pause: "멈춤", restart: "처음부터", step_d: "D 갱신", step_g: "G 갱신", step: "한 단계", slow: "느린 동작", compare: "나란히", speed: "속도",
    fastest: "최고 속도", per_second: "단계/초", lessons: "수업", look: "눈여겨볼 점", own: "수업 닫기", link: "링크", copied: "링크를 복사했습니다. 이 명령이 실행되는 동안 이 브라우저에서 열립니다. 다른 사람에게는 명령을 보내세요.", give: "명령", given: "명령을 복사했습니다. 누가 실행해도 시드까지 같은 게임이 열립니다.", replay: "다시 보기", help: "도움말",
    language: "English", game: "게임", now: "단계", algorithm: "알고리즘", back: "이전 그림", forth: "다음 그림", hide: "학생용 조절 항목",
    hide_about: "체크하지 않은 항목은 숨겨지고, 링크에서도 숨겨집니다. 그래서 교사는 조절 항목이 적은 수업을 나눠 줄 수 있습니다. 다시 보려면 여기에서 체크하세요.",
    close: "닫기", restarts: "처음부터 시작", drawing: "그리기", clear: "지우기", draw_line: "끌어서 데이터의 히스토그램을 그리세요.", draw_plane: "누르거나 끌어서 데이터 점을 찍으세요.",
    real: "데이터 p_data", fake: "생성자 p_g", D: "D(x)", best: "D* = p_data / (p_data + p_g)", arrows1: "z → x", discs: "진짜 x", diamonds: "가짜 G(z)", heat: "D(x)", grid: "z의 격자", arrows2: "G의 기울기",
    jsd: "JSD, nat", value: "V(D, G)", score_real: "D(x)", score_fake: "D(G(z))", moves: "D, G 갱신 횟수", modes: "모드", gradient_g: "G의 기울기", gradient_d: "D의 기울기",
    chart_value: "값 V(D, G)", chart_jsd: "JSD(p_data ‖ p_g)", chart_scores: "D의 판정", chart_gradients: "기울기의 크기",
    offline: "서버와 연결이 끊겼습니다. advnets play를 다시 실행하세요.", theme: "어둡게 또는 밝게",
    about: "두 신경망이 게임을 합니다. 생성자 G는 잡음 z를 표본으로 바꾸고, 판별자 D는 그것을 데이터와 구별합니다. 직선에서는 두 밀도와 최적의 D를 볼 수 있습니다. 평면에서는 지도로 나타낸 D와 표본, 그리고 각 표본이 끌려가는 방향을 볼 수 있습니다.",
    keys: { "space": "재생 또는 멈춤", "d": "D를 한 번 갱신", "g": "G를 한 번 갱신", "s": "알고리즘 한 단계", "m": "느린 동작", "r": "같은 시드로 처음부터", "c": "두 게임 나란히", "← →": "지난 단계 돌려 보기", "?": "이 도움말" },
    groups: { data: "데이터", algorithm: "알고리즘과 목적 함수", discriminator: "판별자 D", generator: "생성자 G", noise: "잡음, 평균, 묶음", penalties: "D에 거는 제약" },
    controls: {
      dimension: "x의 차원", data: "분포", batch: "배치 m", seed: "시드", algorithm: "갱신 순서", k: "단계당 D 갱신 횟수, k", objective: "목적 함수", r1: "R1 가중치", r2: "R2 가중치",
      gradient_penalty: "기울기 페널티", r1_finite: "R1, 유한 차분", r2_finite: "R2, 유한 차분", clip: "가중치 클리핑 한계", d_layers: "층 수", d_width: "너비", d_optimizer: "옵티마이저", d_rate: "학습률", d_until: "학습하는 마지막 단계 (0: 계속)",
      g_layers: "층 수", g_width: "너비", g_optimizer: "옵티마이저", g_rate: "학습률", activation: "둘의 활성화 함수", start: "p_g의 처음 위치", spread: "p_g의 처음 너비", latent: "잡음 z의 종류", latent_size: "z의 차원",
      instance_noise: "D 입력의 잡음", average: "이동 평균, 반감기", pack: "묶음당 표본 수",
    },
    options: {
      gaussian: "가우스", two_gaussians: "가우스 2개", uniform: "균등", drawn: "직접 그리기", line: "직선", eight_gaussians: "가우스 8개", ring: "고리", grid: "격자점 25개", spirals: "나선",
      algorithm1: "알고리즘 1", simultaneous: "동시에", extragradient: "엑스트라그레이디언트", minimax: "미니맥스", non_saturating: "비포화", non_saturating_halved: "비포화, D 절반", least_squares: "최소제곱", wasserstein: "바서슈타인", hinge: "힌지", relativistic: "상대적",
      sgd: "SGD", momentum: "모멘텀", adam: "Adam", rmsprop: "RMSprop", tanh: "tanh", relu: "ReLU", leaky_relu: "leaky ReLU",
    },
  },
};

// What a picture shows, by the dimensions of x: the layer, its swatch, and its name.
export const LAYERS = {
  1: [["real", "swatch real", "real"], ["fake", "swatch fake", "fake"], ["D", "swatch D", "D"], ["best", "swatch best", "best"], ["arrows", "swatch arrows", "arrows1"]],
  2: [["heat", "swatch heat", "heat"], ["real", "swatch disc", "discs"], ["fake", "swatch diamond", "diamonds"], ["arrows", "swatch arrows", "arrows2"], ["grid", "swatch grid", "grid"]],
};

// What each player goes up or down, by objective, as the listing shows it; a is D's logit, f a critic's score.
export const FORMULAS = {
  minimax: ["∇ ¹⁄ₘ Σ [log D(x) + log(1 − D(G(z)))]", "∇ ¹⁄ₘ Σ log(1 − D(G(z)))"],
  non_saturating: ["∇ ¹⁄ₘ Σ [log D(x) + log(1 − D(G(z)))]", "∇ ¹⁄ₘ Σ −log D(G(z))"],
  non_saturating_halved: ["∇ ¹⁄ₘ Σ ½ [log D(x) + log(1 − D(G(z)))]", "∇ ¹⁄ₘ Σ −log D(G(z))"],
  least_squares: ["∇ ¹⁄ₘ Σ −½ [(D(x) − 1)² + D(G(z))²]", "∇ ¹⁄ₘ Σ ½ (D(G(z)) − 1)²"],
  wasserstein: ["∇ ¹⁄ₘ Σ [f(x) − f(G(z))]", "∇ ¹⁄ₘ Σ −f(G(z))"],
  hinge: ["∇ ¹⁄ₘ Σ [min(0, a(x) − 1) + min(0, −a(G(z)) − 1)]", "∇ ¹⁄ₘ Σ −a(G(z))"],
  relativistic: ["∇ ¹⁄ₘ Σ log σ(a(x) − a(G(z)))", "∇ ¹⁄ₘ Σ −log σ(a(G(z)) − a(x))"],
};

export function numbersOf(words, numbers) {
  const show = (value, digits = 3) => (value === null || value === undefined ? "–" : value.toFixed(digits).replace("-", "−"));
  const told = [[words.jsd, show(numbers.jsd)]];
  if (numbers.value !== undefined) told.push([words.value, show(numbers.value)]);
  told.push([words.score_real, show(numbers.score_real, 2)], [words.score_fake, show(numbers.score_fake, 2)]);
  if (numbers.modes_of) told.push([words.modes, `${numbers.modes} / ${numbers.modes_of}`]);
  if (numbers.gradient_g !== undefined) told.push([words.gradient_g, numbers.gradient_g === null ? "–" : numbers.gradient_g.toPrecision(2)]);
  told.push([words.moves, `${numbers.d_moves.toLocaleString("en")}, ${numbers.g_moves.toLocaleString("en")}`]);
  return told;
}
