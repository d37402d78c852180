# What installers/bundle says, in Portuguese; sourced by it when the console speaks Portuguese.
. "$source_dir/installers/portuguese.sh"

usage() {
  cat <<TXT
Uso: installers/bundle --key PEM --output ARQUIVO [opções]

  --key PEM          chave privada que o assina: openssl genpkey -algorithm ed25519
  --output ARQUIVO   o pacote
  --models NOME,...  modelos desta máquina que vão junto (salesedge models list)
  --brand ARQUIVO    marca com que a caixa nova começa (salesedge brand export)
  --from N.N.N       versão mais antiga que pode ser atualizada com ele (padrão: a própria)
  --cache DIR        guarda o que foi baixado para o próximo pacote
  --help             este texto

Numa máquina conectada com a mesma distribuição e o mesmo processador daquelas a que se destina. Não exige direitos de administrador.
TXT
}

said_as+=(
  ["The file %s cannot be read."]="Não é possível ler o arquivo %s."
  ["a bundle is made on Debian or Ubuntu."]="um pacote se faz no Debian ou no Ubuntu."
  ["It carries the packages of the distribution it is made on."]="Ele leva os pacotes da distribuição em que é feito."
  ["SalesEdge itself is needed to make a bundle."]="para fazer um pacote é preciso o próprio SalesEdge."
  ["Run first: %s"]="Rode antes: %s"
  ["Debian packages with all they need"]="Pacotes Debian com tudo de que precisam"
  ["the Debian packages could not be fetched."]="não foi possível obter os pacotes Debian."
  ["Models and brand"]="Modelos e marca"
  ["The model %s is not on this machine, or is not whole."]="O modelo %s não está nesta máquina ou não está inteiro."
  ["Get it with: %s"]="Obtenha-o com: %s"
  ["Signing"]="Assinatura"
  ["%s is made: %s MB. Whoever installs it compares the fingerprint of the key: %s"]="%s está feito: %s MB. Quem o instalar confere a impressão digital da chave: %s"
)
